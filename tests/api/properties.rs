//! Whatever is written into a request, it is answered as described.

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use reqwest::header::{HeaderMap, HeaderName};

use crate::harness::{
    Answer, TestApp, contract,
    wire::{Wire, upgrade},
};

/// A few values of a strategy, the same in each run.
fn some<T>(count: usize, strategy: impl Strategy<Value = T>) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    let mut next = || strategy.new_tree(&mut runner).expect("a value").current();
    (0..count).map(|_| next()).collect()
}

/// Text as it may stand in an address: what must be escaped is, or is no character at all.
fn escaped() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[0-9]{0,22}",
        "[a-zA-Z0-9._~!$'()*,;:@/?-]{0,20}",
        "(%[0-9a-fA-F]{2}){0,6}",
        "%[0-9a-zA-Z]{0,2}",
    ]
}

/// The cursors of a history are checked before anything is read.
#[tokio::test]
async fn any_cursor_is_a_page_or_refused() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    for content in ["one", "two", "three"] {
        api.say("general", content).await;
    }
    let names = prop::sample::select(vec!["before", "after", "limit"]);
    let value = prop_oneof![2 => "[1-9][0-9]?", 1 => escaped()];
    let queries = prop::collection::vec((names, value), 1..3);
    let (mut pages, mut refusals) = (0, 0);
    for query in some(150, queries) {
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let answer = api.messages("general", &query.join("&")).await;
        if answer.status() == 200 {
            let page = answer.ok(200);
            assert!(page["data"].as_array().unwrap().len() <= 3);
            assert_eq!(page["head"], 3);
            pages += 1;
        } else {
            let body = answer.ok(400);
            let code = body["code"].as_str().unwrap();
            assert!(
                matches!(code, "validation_failed" | "bad_request"),
                "{body}"
            );
            refusals += 1;
        }
    }
    assert!(
        pages > 10 && refusals > 10,
        "{pages} pages, {refusals} refusals"
    );
    // Each page leads to the next one, forth and back.
    for limit in 1..=3 {
        let (mut forth, mut after) = (Vec::new(), 0);
        loop {
            let page = api
                .messages("general", &format!("after={after}&limit={limit}"))
                .await;
            let page = page.ok(200);
            let data = page["data"].as_array().unwrap();
            forth.extend(data.iter().map(|message| message["seq"].as_i64().unwrap()));
            if page["has_more"] == false {
                break;
            }
            after = *forth.last().unwrap();
        }
        assert_eq!(forth, [1, 2, 3]);
    }
}

/// The upgrade is answered by the part of the server that no route protects.
#[tokio::test]
async fn any_request_for_a_socket_is_a_socket_or_refused_as_described() {
    let app = TestApp::with(|config| config.server.https = false).await;
    let value = prop_oneof![
        "[!-~]([ -~]{0,40}[!-~])?",
        "(parlor\\.v1|bearer\\.[a-z]{1,9}|,| ){1,5}",
        "(Bearer|Basic|bearer) [a-zA-Z0-9._=-]{0,30}",
        "(https?://)?[a-z]{0,9}(:[0-9]{1,6})?",
    ];
    let name = prop::sample::select(vec![
        "Authorization",
        "Origin",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Cookie",
        "X-Forwarded-For",
    ]);
    let path = prop_oneof![
        3 => Just("/api/chat/ws".to_owned()),
        1 => escaped().prop_map(|query| format!("/api/chat/ws?after={query}")),
        1 => escaped().prop_map(|query| format!("/api/ws/chat?epoch={query}")),
        2 => escaped().prop_map(|room| format!("/ws/{room}")),
        1 => "/ws/[a-z0-9-]{1,70}",
    ];
    let lines = prop::collection::vec((name, value), 0..3);
    let (mut opened, mut refused) = (0, 0);
    for (path, lines) in some(150, (path, lines)) {
        let lines = lines
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let request = upgrade(&path, &lines.collect::<String>());
        let mut wire = Wire::connect(app.port, None).await;
        wire.send(request.as_bytes()).await;
        let head = wire.head().await;
        let status: u16 = head[9..12].parse().expect("a status");
        if status == 101 {
            opened += 1;
            continue;
        }
        let body = wire.rest().await;
        // A target that is none is refused before anybody looks at what is asked for.
        if status == 400 && body.is_empty() {
            assert!(path.contains('%') || path.contains("//"), "{request}");
            continue;
        }
        let mut headers = HeaderMap::new();
        for line in head.lines().skip(1).take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").expect("a header");
            let name: HeaderName = name.parse().expect("its name");
            headers.append(name, value.parse().expect("its value"));
        }
        contract::refused(&Answer::new(request, status, headers, body.into()));
        refused += 1;
    }
    assert!(
        opened > 10 && refused > 10,
        "{opened} opened, {refused} refused"
    );
    app.api().get("/health/live").await.ok(200);
}
