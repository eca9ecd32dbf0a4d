"""Five quite different workloads, worked out by hand: the arithmetic stands beside each number.

A month has 730 hours, 43,800 minutes, 2,628,000 seconds. Prices are those of us-east-1.
A renewal comes after 0.825 of an hour's credentials: 2,970 s.
"""

from __future__ import annotations

import pytest

from gateway.core.plan.bill import Bill
from gateway.core.plan.plan import Plan, plan_of
from gateway.core.plan.workload import Outbox, To
from tests.unit.gateway.core.plan.workloads import figures_of, workload_of


def usd(bill: Bill) -> dict[str, float]:
    """Return what each line costs."""
    return {line.what: line.usd for line in bill.lines}


def amounts(bill: Bill) -> dict[str, float]:
    """Return how much each line is for."""
    return {line.what: line.amount for line in bill.lines}


def shares(plan: Plan) -> dict[str, float]:
    """Return how much of each quota is used."""
    return {use.quota.name: use.share for use in plan.uses}


def test_tiny() -> None:
    """Ten clients, always on; an event every ten seconds to one of them; QoS 0; one gateway."""
    plan = plan_of(workload_of(session_h=24.0), figures_of())
    ours, websocket, appsync = plan.bills

    # Sessions: 10 a day. Connections live 23 h less 5 % = 21.85 h: 10 x 730 / 21.85 = 334.0961.
    # Credentials: 10 x 730 / 24 = 304.1667 new and 10 x 2,628,000 / 2,970 = 8,848.4848 renewed.
    assert amounts(ours) == pytest.approx(
        {
            "connections": 438_000,  # 10 x 43,800 minutes
            "publishes in": 262_800,  # 0.1 x 2,628,000
            "publishes out": 262_800,  # one client each
            "CONNECTs": 334.0961,
            "SUBSCRIBEs": 304.1667,  # three filters in one packet; a roll-over has them already
            "credentials: API": 9_152.6515,
            "credentials: Lambda requests": 9_152.6515,
            "credentials: Lambda time": 228.8163,  # x 0.05 s x 0.5 GB
            "gateways: vCPUs": 365,  # half a vCPU
            "gateways: memory": 730,
            "data out to browsers": 0.1492704,  # 262,800 x (500 + 40 topic + 28 content type)
        },
        rel=1e-5,
    )
    assert usd(ours) == pytest.approx(
        {
            "connections": 0.03504,  # 0.438 M x 0.08
            "publishes in": 0.2628,
            "publishes out": 0.2628,
            "CONNECTs": 0.000334,
            "SUBSCRIBEs": 0.000304,
            "credentials: API": 0.009153,
            "credentials: Lambda requests": 0.001831,  # x 0.20
            "credentials: Lambda time": 0.003051,  # 0.0002288 M x 13.3334
            "gateways: vCPUs": 11.8187,  # 365 x 0.03238
            "gateways: memory": 2.5988,  # 730 x 0.00356
            "data out to browsers": 0.013434,  # x 0.09
        },
        rel=1e-3,
    )
    assert ours.usd == pytest.approx(15.0062, abs=0.0005)

    # Twelve connections a day: 10 x 365 = 3,650 in a month, two Lambdas and 2 x 3 rows each.
    # Against idling out: 10 clients / 540 s, less than the 0.1 messages/s they get: none.
    assert {line.what: line.amount for line in websocket.own} == pytest.approx(
        {
            "connections": 438_000,
            "messages out": 262_800,
            "$connect, $disconnect: Lambda requests": 7_300,
            "$connect, $disconnect: Lambda time": 182.5,  # x 0.05 s x 0.5 GB
            "connection table: rows written and deleted": 21_900,
            "connection table: who gets an event": 131_400,  # half a unit each
        }
    )
    assert websocket.intake == appsync.intake == ours.intake
    # Pings: 10 / 300 s x 2,628,000 = 87,600. Subscribes: 304.1667 x 3, and a handler for each.
    assert {line.what: line.amount for line in appsync.own} == pytest.approx(
        {
            "connections": 438_000,
            "publishes in": 262_800,
            "messages out": 262_800,
            "connects": 304.1667,
            "subscribes": 912.5,
            "handlers that allow a subscribe": 912.5,
            "pings": 87_600,
        },
        rel=1e-5,
    )


def test_ten_thousand_clients_and_a_broadcast_each_second() -> None:
    """1,000 bytes to everyone, QoS 0: the fan-out is all there is."""
    load = workload_of(clients=10_000, to={To.EVERYONE: 1.0}, events_per_s=1.0, payload_bytes=1_000)
    plan = plan_of(load, figures_of())
    ours, websocket, appsync = plan.bills

    # Out: 10,000/s x 2,628,000 = 26,280 M. In: 2.628 M.
    # CONNECT and SUBSCRIBE: 10,000 x 730 / 8 = 912,500 each.
    assert amounts(ours)["publishes out"] == pytest.approx(26_280e6)
    assert amounts(ours)["CONNECTs"] == amounts(ours)["SUBSCRIBEs"] == pytest.approx(912_500)
    messages = ("publishes in", "publishes out", "CONNECTs", "SUBSCRIBEs")
    # 26,284.453 M: the first 1,000 M at 1.00, 4,000 M at 0.80, 21,284.453 M at 0.70.
    assert sum(usd(ours)[what] for what in messages) == pytest.approx(1_000 + 3_200 + 14_899.1171)
    # 26,280 M x (1,000 + 40 + 28) bytes = 28,067.04 GB x 0.09.
    assert usd(ours)["data out to browsers"] == pytest.approx(2_526.0336)

    # API Gateway: 1,000 M at 1.00 and 25,280 M at 0.80; a row of 128 B each: 1,280,000 B a query,
    # 312.5 pages of 4 KB, so 313, half a unit each: 156.5 x 2.628 M x 0.125.
    assert usd(websocket)["messages out"] == pytest.approx(1_000 + 20_224)
    assert "messages against idling out" not in usd(websocket)
    assert usd(websocket)["connection table: who gets an event"] == pytest.approx(51.41025)
    # 10,000 posts a second just fit; the busiest second is the average here.
    assert plan.websocket_uses[1].share == pytest.approx(1.0)
    assert usd(appsync)["messages out"] == pytest.approx(26_280)

    # 10,000 of 20,000 publishes out; one event takes half a second of the quota.
    assert plan.first_limit.quota.name == "iot_publishes_out_per_s"
    assert plan.first_limit.share == pytest.approx(0.5)
    assert plan.fan_out_s == pytest.approx(0.5)
    # 1/s to each of them, of 100; 1,068 bytes/s of 512 KB.
    assert shares(plan)["iot_connection_publishes_per_s"] == pytest.approx(0.01)
    assert shares(plan)["iot_connection_bytes_per_s"] == pytest.approx(1_068 / 524_288)


def test_a_hundred_thousand_clients_one_to_one() -> None:
    """100 events/s, each to one client, QoS 1, over two gateways with the shared outbox."""
    load = workload_of(clients=100_000, events_per_s=100.0, qos=1, outbox=Outbox.SHARED, gateways=2)
    plan = plan_of(load, figures_of())
    ours, websocket, _ = plan.bills

    # Credentials: 100,000 / 28,800 s = 3.4722/s new, 100,000 / 2,970 s = 33.6700/s renewed:
    # 37.1423/s, 97,609,848 a month.
    assert plan.traffic.credential_requests == pytest.approx(37.1423, abs=1e-4)
    assert usd(ours)["credentials: API"] == pytest.approx(97.6098, abs=1e-4)
    assert usd(ours)["credentials: Lambda requests"] == pytest.approx(19.5220, abs=1e-4)
    # x 0.05 s x 0.5 GB = 2,440,246 GB-s x 13.3334 per million.
    assert usd(ours)["credentials: Lambda time"] == pytest.approx(32.5368, abs=1e-3)

    # In, out and PUBACKs are 262.8 M each, CONNECT and SUBSCRIBE 9.125 M each: all below 1,000 M.
    for what in ("publishes in", "publishes out", "PUBACKs from clients (QoS 1)"):
        assert usd(ours)[what] == pytest.approx(262.8)
    assert usd(ours)["CONNECTs"] == usd(ours)["SUBSCRIBEs"] == pytest.approx(9.125)
    assert plan.unacknowledged is not None
    assert ours.usd - plan.unacknowledged.usd == pytest.approx(262.8)

    # Queue: 100 sends, receives and deletes a second, 2 x 0.2 looks: 300.4 x 2.628 M x 0.50 / M.
    assert usd(ours)["outbox: queue"] == pytest.approx(394.7256)
    # Table: an item of 500 + 400 bytes is one unit; put 3, claim 1, settle 3: 7 x 262.8 M x 0.625.
    assert usd(ours)["outbox: table writes"] == pytest.approx(1_149.75)
    # Sweep: 2 gateways x 8 queries/s x half a unit: 21.024 M x 0.125.
    assert usd(ours)["outbox: sweep"] == pytest.approx(2.628)
    assert usd(ours)["gateways: load balancer"] == pytest.approx(16.425)

    found = shares(plan)
    assert found["iot_connections"] == pytest.approx(0.2)  # of 500,000
    assert found["iot_subscriptions"] == pytest.approx(0.6)  # 3 each, of 500,000
    assert found["api_requests_per_s"] == pytest.approx(37.1423 / 50, abs=1e-6)
    assert found["lambda_concurrency"] == pytest.approx(37.1423 * 0.05 / 1_000, abs=1e-8)
    assert found["sts_requests_per_s"] == pytest.approx(37.1423 / 600, abs=1e-6)
    assert found["sqs_fifo_requests_per_s"] == pytest.approx(100 / 70_000)
    assert found["dynamodb_writes_per_s"] == pytest.approx(700 / 40_000)
    assert found["dynamodb_index_writes_per_s"] == pytest.approx(200 / 8_000)
    assert found["gateway_events_per_s"] == pytest.approx(100 / 1_500)  # 2 x 0.5 vCPU x 1,500
    assert plan.first_limit.quota.name == "api_requests_per_s"

    # A cut: 100,000 / 500. From nothing: 100,000 / 50 credentials; 300,000 / 500 filters are next.
    short, anew = plan.storms
    assert (short.bound.quota.name, short.bound.seconds) == ("iot_connects_per_s", 200)
    assert (anew.bound.quota.name, anew.bound.seconds) == ("api_requests_per_s", 2_000)
    seconds = {bound.quota.name: bound.seconds for bound in anew.bounds}
    assert seconds["iot_subscribes_per_s"] == pytest.approx(600)
    assert seconds["sts_requests_per_s"] == pytest.approx(100_000 / 600)
    assert seconds["lambda_concurrency"] == pytest.approx(5)  # 1,000 at a time, 0.05 s each

    # Pings: 100,000 / 540 = 185.185/s, less the 100/s that clients get: 85.185 x 2.628 M = 223.867 M.
    assert usd(websocket)["messages against idling out"] == pytest.approx(223.8667, abs=1e-3)
    # 100,000 x 730 / 2 = 36.5 M connects; 2 x 3 rows: 219 M x 0.625; 73 M Lambda runs x 0.20.
    assert usd(websocket)["connection table: rows written and deleted"] == pytest.approx(136.875)
    assert usd(websocket)["$connect, $disconnect: Lambda requests"] == pytest.approx(14.6)


def test_large_payloads() -> None:
    """100,000 bytes to groups of ten: everything is metered many times over."""
    load = workload_of(
        clients=100,
        groups=10,
        groups_per_client=1,
        to={To.GROUP: 1.0},
        events_per_s=10.0,
        payload_bytes=100_000,
        outbox=Outbox.SHARED,
        gateways=3,
        events_per_post=5,
    )
    plan = plan_of(load, figures_of())
    ours, websocket, appsync = plan.bills

    # In: 100,028 bytes / 5,120 = 19.54, so 20. Out: 10 recipients, 100,068 / 5,120, so 20 as well.
    assert amounts(ours)["publishes in"] == pytest.approx(20 * 10 * 2_628_000)
    assert amounts(ours)["publishes out"] == pytest.approx(20 * 100 * 2_628_000)
    # API Gateway: 100,000 / 32,768 = 3.05, so 4. AppSync: 100,000 / 5,120 = 19.53, so 20.
    assert amounts(websocket)["messages out"] == pytest.approx(4 * 100 * 2_628_000)
    assert amounts(appsync)["messages out"] == pytest.approx(20 * 100 * 2_628_000)
    assert amounts(appsync)["publishes in"] == pytest.approx(20 * 10 * 2_628_000)

    # An item of 100,400 bytes is 98.05 units of 1,024, so 99: put, claim, settle, 4 index writes.
    assert amounts(ours)["outbox: table writes"] == pytest.approx((3 * 99 + 4) * 10 * 2_628_000)
    # Five to a post: 2 sends and 2 deletes a second, but three gateways wait 2.25 receives long,
    # and look 0.6 times.
    assert amounts(ours)["outbox: queue"] == pytest.approx((2 + 2.25 + 2 + 0.6) * 2_628_000)
    # 100 deliveries/s x 100,068 bytes x 2.628 M s.
    assert amounts(ours)["data out to browsers"] == pytest.approx(26_297.87, abs=0.01)

    # One a second to each client: 100,068 of 524,288 bytes/s.
    assert plan.first_limit.quota.name == "iot_connection_bytes_per_s"
    assert plan.first_limit.share == pytest.approx(100_068 / 524_288)


def test_retained_with_qos_1() -> None:
    """20 retained events/s to 50 groups, two of them for each of 1,000 clients; pages open an hour."""
    load = workload_of(
        clients=1_000,
        groups=50,
        groups_per_client=2,
        to={To.GROUP: 1.0},
        events_per_s=20.0,
        qos=1,
        retained=1.0,
        session_h=1.0,
    )
    plan = plan_of(load, figures_of())
    ours = plan.bills[0]

    # 1,000 x 2 / 50 = 40 recipients: 800/s. New sessions: 1,000 / 3,600 = 0.27778/s, each with the
    # retained messages of two groups: 0.55556/s more, every one acknowledged.
    assert plan.traffic.deliveries == pytest.approx(800.55556)
    assert plan.traffic.acknowledgements == pytest.approx(800.55556)
    messages = [line for line in ours.lines if line.price.name == "iot_message"]
    # 20 in, 800.55556 out, 800.55556 PUBACKs, 20 retained, 0.27778 CONNECT, 0.27778 SUBSCRIBE (five
    # filters): 1,641.66667/s x 2.628 M = 4,314.3 M; 1,000 M at 1.00 and 3,314.3 M at 0.80.
    assert [line.what for line in messages] == [
        "publishes in",
        "publishes out",
        "PUBACKs from clients (QoS 1)",
        "retained publishes",
        "CONNECTs",
        "SUBSCRIBEs",
    ]
    assert sum(line.amount for line in messages) == pytest.approx(4_314.3e6)
    assert sum(line.usd for line in messages) == pytest.approx(3_651.44)
    assert usd(ours)["retained publishes"] == pytest.approx(3_651.44 * 20 / 1_641.66667)

    # 20/s over 50 topics: 0.4 a second on each, of 1. 50 retained messages of 5,000; 20/s of 500.
    assert plan.first_limit.quota.name == "iot_retained_per_topic_per_s"
    assert plan.first_limit.share == pytest.approx(0.4)
    assert shares(plan)["iot_retained_messages"] == pytest.approx(0.01)
    assert shares(plan)["iot_retained_per_s"] == pytest.approx(0.04)
    # All at once: 2,000 retained messages through 20,000/s.
    replays = plan.storms[1].bounds[-1]
    assert replays.quota.name == "iot_publishes_out_per_s"
    assert replays.seconds == pytest.approx(0.1)


def test_a_mixed_workload_at_its_peak() -> None:
    """Half to users with two tabs, half to everyone; the busiest second has three times as much."""
    load = workload_of(
        clients=1_000,
        groups=10,
        groups_per_client=6,
        clients_per_user=2.0,
        to={To.USER: 0.5, To.EVERYONE: 0.5},
        events_per_s=4.0,
        peak=3.0,
    )
    plan = plan_of(load, figures_of("eu-north-1", "us-east-1"))
    # 4 x (0.5 x 2 + 0.5 x 1,000) = 2,004/s; at the peak 6,012/s, of 2,000 in a small region.
    assert plan.traffic.deliveries == pytest.approx(2_004)
    assert plan.first_limit.quota.name == "iot_publishes_out_per_s"
    assert plan.first_limit.share == pytest.approx(3.006)
    assert shares(plan)["iot_publishes_in_per_s"] == pytest.approx(12 / 2_000)
    # Nine filters need two SUBSCRIBE packets: 2 x 1,000 x 730 / 8. The bill is that of the average.
    assert amounts(plan.bills[0])["SUBSCRIBEs"] == pytest.approx(182_500)
    assert amounts(plan.bills[0])["publishes out"] == pytest.approx(2_004 * 2_628_000)
