use certs::dev::Usage;
use schemas::registry::CertificateUsage::Login;
use storage::store::open;
use storage::throwaway::store_in;
use time::Duration;

use super::*;
use crate::town::{NOON, Town, certificate, edrpou, registration};

const AGENCY: &str = "00000001";

fn table(town: &Town) -> SeenStore {
    let (writer, reader) = open(&store_in(town.folder.path())).unwrap();
    SeenStore::new(writer, reader)
}

#[tokio::test]
async fn a_login_is_seen_to_the_minute_by_every_process_after_a_restart_too() {
    let town = Town::new();
    let login = town.issue(AGENCY, Usage::TlsClient);
    let certificates = vec![certificate(Login, &login.certificate)];
    assert_eq!(town.register(AGENCY, registration(&[], certificates)).await.unwrap().last_seen_at, None);
    town.clock.advance(Duration::seconds(90));
    town.access.identify(&town.chain(&login)).await.unwrap();
    let seen = async |access: &crate::Access| {
        access.registry().participant(edrpou(AGENCY)).await.unwrap().unwrap().last_seen_at
    };
    let minute = Some(NOON + Duration::minutes(1));
    assert_eq!(seen(&town.access).await, minute);

    let (there, store) = (town.other_process(), table(&town));
    assert_eq!(seen(&there).await, None);
    town.registry().exchange_sightings(&store).await.unwrap();
    there.registry().exchange_sightings(&store).await.unwrap();
    assert_eq!(seen(&there).await, minute);
    // An older sighting of another process takes nothing back, and a clock that was set back neither.
    town.clock.set(NOON);
    there.identify(&town.chain(&login)).await.unwrap();
    there.registry().exchange_sightings(&store).await.unwrap();
    town.registry().exchange_sightings(&store).await.unwrap();
    assert_eq!((seen(&there).await, seen(&town.access).await), (minute, minute));
}

#[tokio::test]
async fn a_login_that_is_refused_is_no_sighting() {
    let town = Town::new();
    let login = town.issue(AGENCY, Usage::TlsClient);
    town.register(AGENCY, registration(&[], Vec::new())).await.unwrap();
    town.access.identify(&town.chain(&login)).await.unwrap_err();
    assert_eq!(town.registry().last_seen_at(edrpou(AGENCY)), None);
}
