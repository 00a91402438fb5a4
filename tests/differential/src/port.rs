//! The core's `Http` port over a blocking socket, where a test may end things.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use relaykeep_core::http::{Http, HttpError, HttpRequest, HttpResponse, Method};

/// One connection that is kept open.
#[derive(Debug)]
pub struct Line {
    host: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Line {
    /// To `host:port`.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            stream: None,
        }
    }

    /// The other end, `host:port`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// One request and its answer. Nothing is ever sent twice.
    ///
    /// # Errors
    /// As a browser would tell it.
    pub fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> Result<HttpResponse, HttpError> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(&self.host)?,
        };
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        let wire = stream.get_mut();
        wire.write_all(text.as_bytes())
            .map_err(|_| HttpError::Unreachable)?;
        let answer = read_answer(&mut stream)?;
        self.stream = Some(stream);
        Ok(answer)
    }
}

fn connect(host: &str) -> Result<BufReader<TcpStream>, HttpError> {
    let stream = TcpStream::connect(host).map_err(|_| HttpError::Unreachable)?;
    let limit = Some(Duration::from_secs(20));
    stream
        .set_read_timeout(limit)
        .and_then(|()| stream.set_nodelay(true))
        .map_err(|_| HttpError::Unreachable)?;
    Ok(BufReader::new(stream))
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> Result<HttpResponse, HttpError> {
    let mut line = || {
        let mut line = String::new();
        match stream.read_line(&mut line) {
            Ok(0) | Err(_) => Err(HttpError::Cut),
            Ok(_) => Ok(line.trim_end().to_owned()),
        }
    };
    let first = line()?;
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.ok_or(HttpError::Cut)?;
    let mut headers = Vec::new();
    loop {
        let text = line()?;
        let Some((name, value)) = text.split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).map_err(|_| HttpError::Cut)?;
    Ok(HttpResponse {
        status,
        headers,
        body,
    })
}

/// When a hook is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The request has not left yet.
    Before,
    /// It was carried out; the core does not know that yet.
    After,
}

/// How a request ends that does not end well.
#[derive(Clone, Debug)]
pub enum End {
    /// The worker dies here: nothing of it runs on.
    Death,
    /// The core hears this instead of the answer.
    Lost(HttpError),
}

type Hook = Box<dyn FnMut(Moment, usize, &HttpRequest) -> Option<End>>;

/// The port: requests are numbered from 1, and a hook may do something before and after each.
pub struct Port {
    line: RefCell<Line>,
    count: Cell<usize>,
    hook: RefCell<Option<Hook>>,
}

impl Port {
    /// To `host:port`.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self {
            line: RefCell::new(Line::new(host)),
            count: Cell::new(0),
            hook: RefCell::new(None),
        }
    }

    /// Counts anew, with this hook.
    pub fn watch(&self, hook: impl FnMut(Moment, usize, &HttpRequest) -> Option<End> + 'static) {
        self.count.set(0);
        *self.hook.borrow_mut() = Some(Box::new(hook));
    }

    /// Counts anew, without a hook.
    pub fn leave_alone(&self) {
        self.count.set(0);
        *self.hook.borrow_mut() = None;
    }

    /// Requests so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.get()
    }

    fn ask(&self, moment: Moment, request: &HttpRequest) -> Option<End> {
        let number = self.count.get();
        let mut hook = self.hook.borrow_mut();
        hook.as_mut().and_then(|hook| hook(moment, number, request))
    }
}

impl Http for Port {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.count.set(self.count.get() + 1);
        if let Some(end) = self.ask(Moment::Before, &request) {
            return ended(end).await;
        }
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let mut headers = request.headers.clone();
        if let Some(bearer) = &request.bearer {
            // It goes to the simulator, which made it.
            let value = format!("Bearer {}", bearer.secret.expose());
            headers.push(("Authorization".to_owned(), value));
        }
        let path = path_of(&request.url);
        let body = request.body.as_deref().unwrap_or("");
        let answer = self
            .line
            .borrow_mut()
            .exchange(method, path, &headers, body);
        match self.ask(Moment::After, &request) {
            None => answer,
            Some(end) => ended(end).await,
        }
    }
}

async fn ended(end: End) -> Result<HttpResponse, HttpError> {
    match end {
        End::Death => std::future::pending().await,
        End::Lost(error) => Err(error),
    }
}

/// What follows the origin in an address.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

/// Runs a future over these ports: ready at its first poll, or dead. `None`: it died.
pub fn run<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}
