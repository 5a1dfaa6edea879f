use actix::dev::channel::channel;
use actix_web::rt::net::TcpStream;
use tokio::net::TcpListener;

use super::*;

const ROOM: RoomKey = RoomKey(1);

/// A hub without a mailbox, whose tasks a test does by hand.
fn hub() -> Hub {
    Hub {
        id: HubId(0),
        sockets: Sockets::default(),
        audiences: HashMap::new(),
        due: VecDeque::new(),
        answered: Vec::new(),
        flush_scheduled: false,
        heartbeat: Duration::from_secs(30),
        began: Instant::now(),
        metrics: Metrics::new().unwrap(),
    }
}

/// Opens a socket at the hub, and says how it comes into the room.
async fn admission(hub: &Hub, network: &TcpListener) -> Admit {
    let stream = TcpStream::connect(network.local_addr().unwrap()).await;
    let outbox = Outbox::new(Box::new(stream.unwrap()), hub.metrics.clone());
    let socket = Socket {
        outbox: Rc::new(outbox),
        session: Addr::new(channel(1).0).downgrade(),
        welcome: true,
        ending: None,
    };
    let session = SessionId::new();
    hub.sockets.borrow_mut().insert(session, socket);
    Admit {
        session,
        user: UserId::new(),
        attempt: 1,
        rev: 0,
        connected: None,
        replays: false,
        reports_to: Arc::new(Addr::new(channel(1).0)),
    }
}

/// A flush is under way while all go and somebody comes: he must not go with them.
#[actix_web::test]
async fn who_comes_behind_the_last_one_who_goes_is_there() {
    let network = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut hub = hub();
    let (first, second) = (
        admission(&hub, &network).await,
        admission(&hub, &network).await,
    );
    let third = admission(&hub, &network).await;
    let leaving = [first.session, second.session];
    let coming = third.session;

    let mut audience = Audience::new(first.reports_to.clone(), 0);
    audience.admit(first, hub.sockets.borrow()[&leaving[0]].outbox.clone());
    audience.admit(second, hub.sockets.borrow()[&leaving[1]].outbox.clone());
    audience.add(Segment::lasting(Bytes::from_static(b"said")), 1, Some(1));
    assert!(audience.flush(&mut 1).is_none(), "one of two is served");
    for session in leaving {
        let farewell = None;
        audience
            .waiting
            .push_back(Task::Expel { session, farewell });
    }
    audience.waiting.push_back(Task::Admit(third));
    hub.audiences.insert(ROOM, Box::new(audience));

    hub.flush(ROOM, &mut { MEMBERS_A_TURN });
    hub.work(ROOM, None);
    let audience = hub.audiences.get_mut(&ROOM).expect("somebody is there");
    assert_eq!(
        audience.flush(&mut 10).map(|report| report.deliveries),
        Some(0)
    );
    let farewell = None;
    hub.work(
        ROOM,
        Some(Task::Expel {
            session: coming,
            farewell,
        }),
    );
    assert!(!hub.audiences.contains_key(&ROOM), "nobody is left");
}
