//! The transport against small servers of its own making: TLS, HTTP/2 and HTTP/1.1, well-behaved and not.

mod apns;
mod peers;
mod pictures;
mod plain;
