//! Rules of the repository, as tests: what may depend on what, what must never be printed, what
//! the manifest asks for, what the pages may say, and how large it all may be.

mod catalogue;
mod dist;
mod files;
mod layering;
mod manifest;
mod secrecy;
mod watching;
