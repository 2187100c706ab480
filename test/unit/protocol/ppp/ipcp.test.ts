/** IPCP as server and as client: RFC 1332, name servers RFC 1877. 10.0.0.7 is 0a000007. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkParameters } from '../../../../firmware/protocol/ppp/link.js';
import { ADDRESSES, CLIENT, Driver, find, LNS_OPEN } from './driver.js';

/** The LNS side, asked for and given `parameters`: its own Configure-Request is out. */
function server(parameters: NetworkParameters = ADDRESSES): Driver {
  const driver = new Driver(LNS_OPEN).openLcp();
  driver.link.answerNetwork(parameters, 0);
  driver.events();
  return driver;
}

/** The LAC client's side, whose Configure-Request is out. */
function client(): Driver {
  const driver = new Driver(CLIENT).openLcp();
  driver.events();
  return driver;
}

test('RFC 1332 3.3: the server asks for its own address and nothing else', () => {
  assert.deepEqual(server().sent(), ['IPCP Configure-Request 4 3:0a000001']);
});

test('RFC 1332 3.3, RFC 1877 1: zero or foreign addresses are nak’ed with those meant for the peer', () => {
  const driver = server();
  driver.sent();
  driver.receive('IPCP Configure-Request 1 3:00000000 129:00000000 131:08080808');
  assert.deepEqual(driver.sent(), ['IPCP Configure-Nak 1 3:0a000007 129:0a000035 131:0a000135']);
  driver.receive('IPCP Configure-Request 2 3:c0a80101 129:0a000035 131:0a000135');
  assert.deepEqual(driver.sent(), ['IPCP Configure-Nak 2 3:0a000007']);
  driver.receive('IPCP Configure-Request 3 3:0a000007 129:0a000035 131:0a000135');
  assert.deepEqual(driver.sent(), ['IPCP Configure-Ack 3 3:0a000007 129:0a000035 131:0a000135']);
});

test('RFC 1877 1.2, 1.4: NBNS servers are given where there are some', () => {
  const driver = server({ ipv4: { ...ADDRESSES.ipv4, dns: [], nbns: ['10.0.0.2', '10.0.0.3'] } });
  driver.sent();
  driver.receive('IPCP Configure-Request 1 3:0a000007 130:00000000 132:00000000');
  assert.deepEqual(driver.sent(), ['IPCP Configure-Nak 1 130:0a000002 132:0a000003']);
});

test('servers that we have none of, compression and the deprecated IP-Addresses are rejected', () => {
  const driver = server({ ipv4: { ...ADDRESSES.ipv4, dns: ['10.0.0.53'] } });
  driver.sent();
  driver.receive(
    'IPCP Configure-Request 1 1:0a0000070a000001 2:002d0f01 3:00000000 129:00000000 130:00000000 131:00000000 132:00000000',
  );
  assert.deepEqual(driver.sent(), [
    'IPCP Configure-Reject 1 1:0a0000070a000001 2:002d0f01 130:00000000 131:00000000 132:00000000',
  ]);
});

test('RFC 1332 3.3: a peer that does not mention its address is told of it', () => {
  const driver = server();
  driver.sent();
  driver.receive('IPCP Configure-Request 1');
  assert.deepEqual(driver.sent(), ['IPCP Configure-Nak 1 3:0a000007']);
});

test('RFC 1661 4.6: a peer that never mentions its address is acknowledged after Max-Failure Naks', () => {
  const driver = server();
  driver.sent();
  for (let identifier = 0; identifier < 6; identifier++) driver.receive(`IPCP Configure-Request ${identifier}`);
  assert.deepEqual(driver.sent().slice(-1), ['IPCP Configure-Ack 5']);
});

test('RFC 1661 4.6: a peer that insists on a wrong address has it rejected after Max-Failure Naks', () => {
  const driver = server();
  driver.sent();
  for (let id = 0; id < 6; id++) driver.receive(`IPCP Configure-Request ${id} 3:c0a80101`);
  assert.deepEqual(driver.sent().slice(-1), ['IPCP Configure-Reject 5 3:c0a80101']);
});

test('ipcp-up tells both addresses and the name servers', () => {
  const driver = server().receive('IPCP Configure-Request 1 3:0a000007', 'IPCP Configure-Ack 4 3:0a000001');
  assert.deepEqual(driver.events(), [
    { type: 'ipcp-up', localAddress: '10.0.0.1', peerAddress: '10.0.0.7', dns: ['10.0.0.53', '10.0.1.53'] },
  ]);
});

test('the server keeps its address when it is nak’ed, and goes without the option when it is rejected', () => {
  const driver = server();
  driver.sent();
  driver.receive('IPCP Configure-Nak 4 3:0a0000fe');
  assert.deepEqual(driver.sent(), ['IPCP Configure-Request 5 3:0a000001']);
  driver.receive('IPCP Configure-Reject 5 3:0a000001');
  assert.deepEqual(driver.sent(), ['IPCP Configure-Request 6']);
});

test('the client asks for everything', () => {
  assert.deepEqual(client().sentAfterLcp(), ['IPCP Configure-Request 4 3:00000000 129:00000000 131:00000000']);
});

test('the client takes what it is given, and drops what is rejected', () => {
  const driver = client();
  driver.receive('IPCP Configure-Reject 4 131:00000000');
  assert.deepEqual(driver.sent(), ['IPCP Configure-Request 5 3:00000000 129:00000000']);
  driver.receive('IPCP Configure-Nak 5 3:0a000007 129:0a000035');
  assert.deepEqual(driver.sent(), ['IPCP Configure-Request 6 3:0a000007 129:0a000035']);
  driver.receive('IPCP Configure-Request 1 3:0a000001', 'IPCP Configure-Ack 6 3:0a000007 129:0a000035');
  assert.deepEqual(driver.events(), [
    { type: 'ipcp-up', localAddress: '10.0.0.7', peerAddress: '10.0.0.1', dns: ['10.0.0.53'] },
  ]);
});

test('the client takes a server that does not tell its address', () => {
  const driver = client().receive(
    'IPCP Configure-Nak 4 3:0a000007',
    'IPCP Configure-Reject 5 129:00000000 131:00000000',
  );
  driver.receive('IPCP Configure-Ack 6 3:0a000007', 'IPCP Configure-Request 1');
  assert.deepEqual(driver.events(), [{ type: 'ipcp-up', localAddress: '10.0.0.7', peerAddress: '', dns: [] }]);
});

test('the client has nothing to give: zero addresses, name servers and compression are rejected', () => {
  const driver = client();
  driver.receive('IPCP Configure-Request 1 2:002d0f01 3:00000000 129:00000000');
  assert.deepEqual(driver.sent(), ['IPCP Configure-Reject 1 2:002d0f01 3:00000000 129:00000000']);
});

test('a client without an address has no link: the option rejected', () => {
  const driver = client().receive('IPCP Configure-Reject 4 3:00000000').wait(10_000);
  assert.equal(find(driver.events(), 'down').reason, 'no-network-protocol');
});

test('a client without an address has no link: zero acknowledged', () => {
  const driver = client();
  driver.receive('IPCP Configure-Request 1 3:0a000001', 'IPCP Configure-Ack 4 3:00000000 129:00000000 131:00000000');
  assert.equal(driver.link.phase, 'network');
  driver.wait(10_000);
  assert.deepEqual(driver.eventTypes(), ['down']);
});

test('IPCP packets with lying lengths are dropped', () => {
  const driver = server();
  driver.sent();
  driver.link.handleFrame(0x8021, Uint8Array.of(1, 1, 0, 200, 3, 6), 0);
  driver.link.handleFrame(0x8021, Uint8Array.of(1, 1, 0, 8, 3, 60, 0, 0), 0);
  driver.link.handleFrame(0x8021, Uint8Array.of(1, 1, 0, 8, 3, 0, 0, 0), 0);
  assert.deepEqual(driver.sent(), []);
  assert.equal(driver.link.drops.malformed, 1);
});
