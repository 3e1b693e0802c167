//! Pictures from the addresses authors name: bounded, and never from inside unless allowed.

use pipeline::vendors::picture::{Format, Picture};
use pipeline::vendors::transport::{Reached, Transport};
use pipeline::world::World;
use simulator::{Options, Simulator};
use types::vendor::Vendor;

#[tokio::test]
async fn a_picture_is_fetched_within_bounds_and_only_from_hosts_that_may_be_seen() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let twin = Simulator::start(Options::default()).await.expect("a twin");
    let transport = Transport::new(World::system());
    let url = |name: &str| twin.base_url(Vendor::Oppo).replace("/oppo", &format!("/pictures/{name}"));
    let here = ["127.0.0.1".to_owned()];
    let got = transport.fetch(&url("328x120.png"), Some(twin.ca_pem()), &here).await.expect("a picture");
    let picture = Picture::read(got).expect("a PNG");
    assert_eq!((picture.format, picture.width, picture.height), (Format::Png, 328, 120));
    for (name, allowed, says) in [
        ("328x120.png", &[][..], "private network"),
        ("328x120.png", &["localhost".to_owned()][..], "private network"),
        ("10x10-3000.png", &here[..], "larger than 2 MiB"),
        ("nothing", &here[..], "answers 404"),
    ] {
        let words = transport.fetch(&url(name), Some(twin.ca_pem()), allowed).await.expect_err(name);
        assert!(words.contains(says), "{name}: {words}");
    }
    assert!(transport.fetch(&url("328x120.png"), None, &here).await.is_err(), "an unknown CA");
    twin.stop().await;
}

#[tokio::test]
async fn a_link_is_asked_by_the_same_guards_and_its_status_told() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let twin = Simulator::start(Options::default()).await.expect("a twin");
    let transport = Transport::new(World::system());
    let url = |name: &str| twin.base_url(Vendor::Oppo).replace("/oppo", &format!("/pictures/{name}"));
    let here = ["127.0.0.1".to_owned()];
    for (name, allowed, want) in [
        ("10x10.png", &here[..], Reached::Answers { status: 200, hops: 0 }),
        ("nothing", &here[..], Reached::Answers { status: 404, hops: 0 }),
        ("10x10.png", &[][..], Reached::Private),
    ] {
        assert_eq!(transport.reach(&url(name), Some(twin.ca_pem()), allowed).await, want, "{name}");
    }
    assert_eq!(transport.reach(&url("10x10.png"), None, &here).await, Reached::Refused, "an unknown CA");
    twin.stop().await;
}
