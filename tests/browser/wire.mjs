// Everything a browser sends passes here: a proxy that writes down each origin asked for and lets
// the request through. It sees the worker without a debugger on it.
import { createServer, request } from "node:http";
import { connect } from "node:net";

/** Starts it; `flags` go to the browser. */
export async function watch() {
  const asked = [];
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url);
    asked.push({ at: Date.now(), method: incoming.method, origin: url.origin, path: url.pathname, agent: incoming.headers["sec-fetch-site"] ?? "" });
    const onward = request(url, { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(outgoing);
      answer.on("error", () => outgoing.destroy());
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  server.on("connect", (incoming, socket, head) => {
    const [host, port] = incoming.url.split(":");
    asked.push({ at: Date.now(), method: "CONNECT", origin: `https://${incoming.url}`, path: "", agent: "" });
    const onward = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.write(head);
      onward.pipe(socket);
      socket.pipe(onward);
    });
    for (const end of [onward, socket]) end.on("error", () => (onward.destroy(), socket.destroy()));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  // Where https does not get through, the browser's updater tries plain http.
  const errand = /^https?:\/\/[\w.-]+\.(google|googleapis|gstatic|gvt1)\.com(:443)?$/;
  const others = () => asked.filter((one) => !errand.test(one.origin));
  return {
    asked,
    flags: [`--proxy-server=http://127.0.0.1:${server.address().port}`, "--proxy-bypass-list=<-loopback>"],
    /** What was asked, without the browser's own errands to its maker. */
    others,
    origins: () => [...new Set(others().map((one) => one.origin))],
    clear: () => (asked.length = 0),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
