//! A file's whole way to a crowd, through the service and a real store.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use futures::{StreamExt, stream};
use pipeline::access::crowd::Limits;
use pipeline::access::crowd::import::{Crowds, ImportOrder, STALE_AFTER};
use pipeline::storage::Storage;
use pipeline::storage::apps::NewApp;
use pipeline::storage::devices::Registration;
use pipeline::world::{HeldClock, SeededRandom, World};
use types::crowd::{Encoding, KeyKind, Mapping, Overrule, UploadState};
use types::ids::{AppId, DeviceId};
use types::problem::Code;
use types::text::Lang;
use types::vendor::Environment;

struct Bench {
    crowds: Crowds,
    storage: Storage,
    clock: std::sync::Arc<HeldClock>,
    app_no: i64,
    folder: tempfile::TempDir,
}

async fn bench(limits: Limits) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&format!("sqlite://{}/store.db", folder.path().display())).await.unwrap();
    let clock = HeldClock::at(1_795_251_600_000);
    let world = World::new(clock.clone(), SeededRandom::new(7));
    let crowds = Crowds::new(storage.clone(), world.clone(), folder.path().join("uploads"), limits).unwrap();
    let app = NewApp {
        id: AppId::from_bytes(world.id()),
        name: "crowds".into(),
        description: String::new(),
        environment: Environment::Production,
        default_title: String::new(),
        vendor_order: Vec::new(),
        services: Vec::new(),
        app_key: "ak".into(),
        client_key: "ck".into(),
        callback_secret: "cb".into(),
        secret_sealed: vec![1],
        created_at: 0,
    };
    let app_no = storage.apps.create(app, None).await.unwrap().no;
    Bench { crowds, storage, clock, app_no, folder }
}

impl Bench {
    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("uploads")).unwrap().count()
    }
}

fn parts(bytes: &[u8]) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> + Send + use<> {
    let parts: Vec<_> = bytes.chunks(1_000).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
    stream::iter(parts)
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/crowds").join(name)).unwrap()
}

#[tokio::test]
async fn a_gbk_file_becomes_a_crowd_step_by_step() {
    let bench = bench(Limits::default()).await;
    let (crowds, app_no) = (&bench.crowds, bench.app_no);
    let device = Registration {
        fresh_id: DeviceId::from_bytes([1; 16]),
        id: None,
        user_id: Some("880000007".into()),
        model: String::new(),
        os_version: String::new(),
        app_version: String::new(),
        notifications_on: None,
        environment: Environment::Production,
        test: None,
        zone: None,
        tokens: Vec::new(),
        now: 0,
    };
    bench.storage.devices.register(app_no, vec![device]).await.unwrap();

    let id = crowds.receive(app_no, "usr_1", "C:\\x\\用户.csv", parts(&sample("users-gbk.csv"))).await.unwrap();
    let look = crowds.look(app_no, &id).await.unwrap();
    assert_eq!((look.upload.file_name.as_str(), look.upload.detected.encoding), ("用户.csv", Encoding::Gb18030));
    assert!(!look.remembered && look.same_file.is_none());
    assert_eq!(crowds.look(app_no + 1, &id).await.unwrap_err().code, Code::NotFound, "another app's upload");
    let mut mapping = look.mapping;
    assert_eq!((mapping.key, mapping.key_column), (KeyKind::User, 0));
    mapping.variables = BTreeMap::from([("name".to_owned(), 1)]);

    let wrong = Mapping { key_column: 9, ..mapping.clone() };
    assert_eq!(crowds.check(app_no, &id, wrong).await.unwrap_err().errors[0].field, "key_column");
    crowds.check(app_no, &id, mapping.clone()).await.unwrap();
    crowds.wait(&id).await;
    let checked = crowds.look(app_no, &id).await.unwrap().upload;
    assert_eq!(checked.state, UploadState::Checked);
    let counts = &checked.counts;
    assert_eq!((counts.rows, counts.valid, counts.duplicate, counts.malformed, counts.unknown), (2_005, 2_000, 3, 2, 1_999));

    let csv: Vec<Bytes> = crowds.rejects_of_upload(app_no, &id, Lang::En).await.unwrap().map(Result::unwrap).collect().await;
    let csv = String::from_utf8(csv.concat()).unwrap();
    assert!(csv.starts_with("\u{feff}row,reason,explanation,key\r\n"));
    assert_eq!(csv.lines().count(), 1 + 5);

    assert_eq!(crowds.confirm(app_no, &id, "  ", "usr_1").await.unwrap_err().errors[0].field, "name");
    let crowd = crowds.confirm(app_no, &id, " 复诊 ", "usr_1").await.unwrap();
    assert_eq!(bench.files(), 0, "the file is not kept");
    assert_eq!(bench.storage.crowds.count(&crowd).await.unwrap(), Some(2_000));
    assert_eq!(bench.storage.crowds.block(&crowd, 1).await.unwrap().unwrap().rows.len(), 1_000);
    assert_eq!(crowds.overrule(app_no, &id, Overrule::default()).await.unwrap_err().code, Code::WrongState);

    // The same file again: recognised, and its mapping remembered.
    let again = crowds.receive(app_no, "usr_2", "b.csv", parts(&sample("users-gbk.csv"))).await.unwrap();
    let look = crowds.look(app_no, &again).await.unwrap();
    assert_eq!(look.same_file.unwrap().id, crowd);
    assert!(look.remembered);
    assert_eq!(look.mapping, mapping);
    crowds.check(app_no, &again, look.mapping).await.unwrap();
    crowds.wait(&again).await;
    assert_eq!(crowds.confirm(app_no, &again, "复诊", "usr_2").await.unwrap_err().errors[0].field, "name");
    assert!(crowds.discard(app_no, &again).await.unwrap());
    assert_eq!(bench.files(), 0);
}

#[tokio::test]
async fn refused_files_leave_no_trace() {
    let bench = bench(Limits { upload_bytes: 10_000, open_uploads: 1, ..Limits::default() }).await;
    let (crowds, app_no) = (&bench.crowds, bench.app_no);
    let code = async |bytes: Vec<u8>| crowds.receive(app_no, "usr_1", "x", parts(&bytes)).await.unwrap_err().code;
    assert_eq!(code(vec![b'1'; 10_001]).await, Code::TooLarge);
    assert_eq!(code(Vec::new()).await, Code::InvalidBody);
    assert_eq!(code(b"PK\x03\x04 not a zip".to_vec()).await, Code::InvalidBody);
    let broken = stream::iter(vec![Ok(Bytes::from_static(b"1\n2\n")), Err(std::io::Error::other("gone"))]);
    assert_eq!(crowds.receive(app_no, "usr_1", "x", broken).await.unwrap_err().code, Code::InvalidBody);
    assert_eq!(bench.files(), 0);
    assert!(bench.storage.crowds.open_uploads(app_no).await.unwrap().is_empty());
    crowds.receive(app_no, "usr_1", "x", parts(b"1\n2\n")).await.unwrap();
    assert_eq!(code(b"3\n4\n".to_vec()).await, Code::TooManyRequests);
}

#[tokio::test]
async fn a_failed_check_can_be_mended_and_a_stale_upload_goes() {
    let bench = bench(Limits { rows: 2, ..Limits::default() }).await;
    let (crowds, app_no) = (&bench.crowds, bench.app_no);
    let id = crowds.receive(app_no, "usr_1", "x.csv", parts(b"id\n1\n2\n")).await.unwrap();
    let no_header = Overrule { header: Some(false), ..Overrule::default() };
    crowds.overrule(app_no, &id, no_header).await.unwrap();
    crowds.check(app_no, &id, Mapping::default()).await.unwrap();
    crowds.wait(&id).await;
    let failed = crowds.look(app_no, &id).await.unwrap().upload;
    assert_eq!((failed.state, failed.problem.unwrap().code), (UploadState::Failed, Code::TooLarge));
    crowds.overrule(app_no, &id, Overrule::default()).await.unwrap();
    crowds.check(app_no, &id, Mapping::default()).await.unwrap();
    crowds.wait(&id).await;
    assert_eq!(crowds.look(app_no, &id).await.unwrap().upload.state, UploadState::Checked);
    assert_eq!(crowds.discard_stale().await.unwrap(), 0);
    bench.clock.advance(STALE_AFTER + 1);
    assert_eq!(crowds.discard_stale().await.unwrap(), 1);
    assert_eq!(bench.files(), 0);
    assert_eq!(crowds.look(app_no, &id).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn one_call_for_the_api() {
    let bench = bench(Limits::default()).await;
    let (crowds, app_no) = (&bench.crowds, bench.app_no);
    let order = ImportOrder { name: "tokens".into(), file_name: "t.csv".into(), ..ImportOrder::default() };
    let crowd = crowds.import_all(app_no, "ak", order.clone(), parts(&sample("tokens-utf8-bom.csv"))).await.unwrap();
    assert_eq!((crowd.counts.valid, crowd.counts.unknown, crowd.mapping.key), (1_000, 1_000, KeyKind::Token));
    let error = crowds.import_all(app_no, "ak", order, parts(&sample("ids.txt"))).await.unwrap_err();
    assert_eq!(error.errors[0].field, "name", "the name is taken");
    let empty = ImportOrder { name: "none".into(), file_name: "e.csv".into(), ..ImportOrder::default() };
    let error = crowds.import_all(app_no, "ak", empty, parts(b"user_id\n \" \"\n")).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidFields);
    assert_eq!(bench.files(), 0);
    assert!(bench.storage.crowds.open_uploads(app_no).await.unwrap().is_empty());
}
