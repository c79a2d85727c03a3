//! A stop loses no request.

use crate::support::{TestGateway, request};

#[test]
fn a_running_request_is_answered_after_the_stop() {
    let mut gateway = TestGateway::new();
    let [mut polling, mut idle] = [gateway.connect(), gateway.connect()];
    for connection in [&mut polling, &mut idle] {
        connection.send(&request("GET", "/health/ready", &[], None));
        assert_eq!(connection.answer().status, 200);
    }
    let mut slow = gateway.connect();
    // Without `expect`, nothing tells that the request has begun.
    slow.send(&request("POST", "/api/webhooks/vapi", &[("expect", "100-continue")], Some(2)));
    assert_eq!(slow.head().status, 100);
    slow.send(b"{");
    gateway.tell_to_stop();
    // From the moment of the stop, every answer ends its connection.
    while {
        polling.send(&request("GET", "/health/live", &[], None));
        polling.answer().header("connection") != Some("close")
    } {}
    assert!(polling.is_closed());
    // A connection from before still reaches the process, which says that it wants no more.
    idle.send(&request("GET", "/health/ready", &[], None));
    let answer = idle.answer();
    assert_eq!((answer.status, answer.json()["status"].as_str()), (503, Some("stopping")));
    assert!(idle.is_closed());
    slow.send(b"}");
    slow.answer().refused(400, "unresolved_organization");
    gateway.wait();
    assert!(std::net::TcpStream::connect(gateway.address).is_err());
}

#[test]
fn an_idle_connection_does_not_hold_up_a_stop() {
    let mut gateway = TestGateway::new();
    let mut idle = gateway.connect();
    idle.send(&request("GET", "/health/live", &[], None));
    assert_eq!(idle.answer().status, 200);
    gateway.tell_to_stop();
    gateway.wait();
    assert!(idle.is_closed());
}
