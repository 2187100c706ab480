/** What real peers do on a PPP link, each named for vendor and behaviour. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../../vectors/vectors.js';
import { ADDRESSES, CLIENT, Driver, find, LNS_OPEN, lns } from './driver.js';
import { ascii } from './notation.js';

const BOTH = {
  ...ADDRESSES,
  ipv6: { localInterfaceId: fromHex('0000000000000001'), peerInterfaceId: fromHex('0000000000000002') },
};

/** The LNS, with the peer let in by PAP and no network answer yet. */
function letIn(ipv6 = false): Driver {
  const driver = new Driver(lns(['pap'], { ipv6 }))
    .openLcp('5:0a0b0c0d')
    .receive('PAP Authenticate-Request 1 0161016b');
  driver.link.answerAuthentication({ accepted: true }, 0);
  driver.sent();
  driver.events();
  return driver;
}

function only(lines: readonly string[], start: string): string[] {
  return lines.filter((one) => one.startsWith(start));
}

test('macOS sends its IPCP again quickly: repeated requests before the answer are one, and ours follow briskly', () => {
  const driver = letIn();
  for (let identifier = 1; identifier <= 4; identifier++) {
    driver.receive(`IPCP Configure-Request ${identifier} 3:00000000 129:00000000 131:00000000`).wait(250);
  }
  driver.link.answerNetwork(ADDRESSES, driver.now_ms);
  assert.deepEqual(only(driver.sent(), 'IPCP'), [
    'IPCP Configure-Request 4 3:0a000001',
    'IPCP Configure-Nak 4 3:0a000007 129:0a000035 131:0a000135',
  ]);
  driver.wait(1000);
  assert.deepEqual(driver.sent(), ['IPCP Configure-Request 4 3:0a000001'], 'a lost one is repeated within a second');
});

test('macOS sends its IPCP again quickly: a copy that comes when IPCP is up costs one more round, not the link', () => {
  const driver = letIn();
  driver.link.answerNetwork(ADDRESSES, 0);
  driver.receive('IPCP Configure-Request 2 3:0a000007', 'IPCP Configure-Ack 4 3:0a000001');
  driver.sent();
  driver.receive('IPCP Configure-Request 2 3:0a000007');
  const [request, ack] = driver.sent();
  assert.equal(ack, 'IPCP Configure-Ack 2 3:0a000007');
  driver.receive(request.replace('Request', 'Ack'));
  assert.deepEqual(driver.eventTypes(), ['ipcp-up', 'ipcp-down', 'ipcp-up']);
});

test('MikroTik offers CCP with MPPE while it pipelines IPCP: Protocol-Reject for the one, no Terminate-Ack for the other', () => {
  const driver = letIn();
  driver.receive('CCP Configure-Request 1 18:01000060', 'IPCP Configure-Request 1 3:00000000');
  driver.link.answerNetwork(ADDRESSES, 0);
  driver.receive(
    'CCP Configure-Request 2 18:01000060',
    'IPCP Configure-Request 2 3:0a000007',
    'CCP Terminate-Request 3',
  );
  driver.receive('IPCP Configure-Ack 4 3:0a000001');
  const sent = driver.sent();
  assert.equal(only(sent, 'LCP Protocol-Reject').length, 3);
  assert.deepEqual(only(sent, 'CCP'), []);
  assert.deepEqual(only(sent, 'IPCP'), [
    'IPCP Configure-Request 4 3:0a000001',
    'IPCP Configure-Nak 1 3:0a000007',
    'IPCP Configure-Ack 2 3:0a000007',
  ]);
  assert.deepEqual(driver.eventTypes(), ['ipcp-up']);
});

test('Netgear DM602 insists on CHAP: its Nak is followed, its link comes up', () => {
  const driver = new Driver(lns(['pap', 'chap-md5'])).start();
  driver.sent();
  driver.receive('LCP Configure-Nak 1 3:c22305', 'LCP Configure-Request 1 1:05d4 5:0a0b0c0d');
  const request = only(driver.sent(), 'LCP Configure-Request')[0];
  assert.equal(request, 'LCP Configure-Request 2 1:0578 2:00000000 3:c22305 5:02020202');
  driver.receive(request.replace('Request', 'Ack'));
  assert.match(driver.sent()[0], /^CHAP Challenge/);
  assert.equal(find(driver.events(), 'lcp-up').authentication, 'chap-md5');
});

/**
 * How many Configure-Requests the LNS sends to a peer that acknowledges the option types `takes`, rejects others, and
 * stops to answer after three.
 */
function proposals(protocol: 'pap' | 'chap-md5' | 'mschapv2', takes: readonly string[]): number {
  const driver = new Driver(lns([protocol])).start();
  driver.receive('LCP Configure-Request 1 1:05d4 5:0a0b0c0d');
  for (let round = 1; round <= 3; round++) {
    const [request] = only(driver.sent(), 'LCP Configure-Request');
    const [, , identifier, ...options] = request.split(' ');
    const refused = options.filter((option) => !takes.includes(option.split(':')[0]));
    if (refused.length === 0) driver.receive(request.replace('Request', 'Ack'));
    else driver.receive(`LCP Configure-Reject ${identifier} ${refused.join(' ')}`);
    if (driver.link.phase === 'authenticate') return round;
  }
  return Number.POSITIVE_INFINITY;
}

test('Speedport W700V quits after three LCP rounds, FRITZ!Box after ten: we need one, two where ACCM is rejected', () => {
  for (const protocol of ['pap', 'chap-md5', 'mschapv2'] as const) {
    assert.equal(proposals(protocol, ['1', '2', '3', '5', '7', '8']), 1, 'pppd, xl2tpd, Windows');
    assert.equal(proposals(protocol, ['1', '3', '5']), 2, 'a PPPoE client, which has no ACCM');
  }
});

test('FRITZ!Box, Speedport: what was agreed on once is proposed at once when LCP begins anew', () => {
  const driver = new Driver(lns(['mschapv2', 'pap'])).start();
  driver.receive('LCP Configure-Nak 1 3:c023', 'LCP Configure-Request 1 5:0a0b0c0d');
  driver.receive('LCP Configure-Reject 2 2:00000000', 'LCP Configure-Ack 3 1:0578 3:c023 5:02020202');
  driver.sent();
  assert.equal(driver.link.phase, 'authenticate');
  driver.receive('LCP Configure-Request 2 5:0a0b0c0e');
  assert.equal(driver.sent()[0], 'LCP Configure-Request 4 1:0578 3:c023 5:02020202');
});

test('broken IPv6 CPE: an IPV6CP Terminate-Request does not end the link', () => {
  const driver = letIn(true);
  driver.link.answerNetwork(BOTH, 0);
  const [ipcp, ipv6cp] = driver.sent();
  driver.receive('IPCP Configure-Request 1 3:0a000007', ipcp.replace('Request', 'Ack'));
  driver.receive('IPV6CP Configure-Request 1 1:0000000000000009', ipv6cp.replace('Request', 'Ack'));
  driver.receive('IPV6CP Terminate-Request 2').wait(60_000);
  assert.deepEqual(driver.eventTypes(), ['ipcp-up', 'ipv6cp-up', 'ipv6cp-down']);
  assert.equal(only(driver.sent(), 'LCP Terminate').length, 0);
  assert.equal(driver.link.phase, 'network');
});

test('broken IPv6 CPE: an IPV6CP that never answers does not end the link either', () => {
  const driver = letIn(true);
  driver.link.answerNetwork(BOTH, 0);
  const [ipcp] = driver.sent();
  driver.receive('IPCP Configure-Request 1 3:0a000007', ipcp.replace('Request', 'Ack')).wait(120_000);
  assert.deepEqual(driver.eventTypes(), ['ipcp-up']);
});

test('l2tpns offers Multilink MRRU: rejected, and its link comes up', () => {
  const driver = new Driver(CLIENT).start();
  driver.sent();
  driver.receive('LCP Configure-Request 1 1:05b4 3:c023 5:0a0b0c0d 17:05dc 19:0301020304');
  assert.deepEqual(driver.sent(), ['LCP Configure-Reject 1 17:05dc 19:0301020304']);
  driver.receive(
    'LCP Configure-Request 2 1:05b4 3:c023 5:0a0b0c0d',
    'LCP Configure-Ack 1 1:0578 2:00000000 5:02020202',
  );
  assert.equal(driver.sent()[0], 'LCP Configure-Ack 2 1:05b4 3:c023 5:0a0b0c0d');
  assert.equal(find(driver.events(), 'lcp-up').authentication, 'pap');
});

test('l2tpns protocol-rejects IPV6CP: the link goes on with IPv4', () => {
  const driver = new Driver({ ...CLIENT, ipv6: true }).openLcp();
  const [ipcp, ipv6cp] = driver.sentAfterLcp();
  assert.match(ipv6cp, /^IPV6CP Configure-Request/);
  driver.receive('LCP Protocol-Reject 3 8057');
  driver.receive('IPCP Configure-Request 1 3:0a000001');
  driver.receive(ipcp.replace('Request', 'Nak').replace(/3:0+ .*/, '3:0a000007 129:0a000035 131:0a000135'));
  const request = driver.sent().slice(-1)[0];
  driver.receive(request.replace('Request', 'Ack')).wait(60_000);
  assert.deepEqual(driver.eventTypes(), ['lcp-up', 'ipcp-up']);
});

test('Windows asks for callback, Multilink and all name servers: rejected what we have not, then up', () => {
  const driver = new Driver(lns(['mschapv2'])).start();
  driver.sent();
  driver.receive('LCP Configure-Request 0 1:0578 5:0a0b0c0d 7: 8: 13:06');
  assert.deepEqual(driver.sent(), ['LCP Configure-Reject 0 13:06']);
  driver.receive('LCP Configure-Request 1 1:0578 5:0a0b0c0d 7: 8:');
  driver.receive('LCP Configure-Ack 1 1:0578 2:00000000 3:c22381 5:02020202');
  driver.receive(
    `LCP Identification 2 0a0b0c0d${ascii('MSRASV5.20')}`,
    `LCP Identification 3 0a0b0c0d${ascii('MSRAS-0-PC')}`,
  );
  const [ack, challenge, ...more] = driver.sent();
  assert.equal(ack, 'LCP Configure-Ack 1 1:0578 5:0a0b0c0d 7: 8:');
  assert.match(challenge, /^CHAP Challenge/);
  assert.deepEqual(more, []);
});

test('Windows asks for NBNS and DNS of everything: what we have not is rejected, the rest nak’ed, three rounds', () => {
  const driver = letIn();
  driver.link.answerNetwork(ADDRESSES, 0);
  driver.sent();
  driver.receive('CCP Configure-Request 4 18:01000001');
  driver.receive('IPCP Configure-Request 5 3:00000000 129:00000000 130:00000000 131:00000000 132:00000000');
  driver.receive('IPCP Configure-Request 6 3:00000000 129:00000000 131:00000000');
  driver.receive('IPCP Configure-Request 7 3:0a000007 129:0a000035 131:0a000135', 'IPCP Configure-Ack 4 3:0a000001');
  assert.deepEqual(driver.sent(), [
    'LCP Protocol-Reject 2 80fd0104000a120601000001',
    'IPCP Configure-Reject 5 130:00000000 132:00000000',
    'IPCP Configure-Nak 6 3:0a000007 129:0a000035 131:0a000135',
    'IPCP Configure-Ack 7 3:0a000007 129:0a000035 131:0a000135',
  ]);
  assert.deepEqual(driver.eventTypes(), ['ipcp-up']);
});

test('pppd offers CCP, VJ compression and IPV6CP to an LNS of IPv4 alone: refused, and its IPCP comes up', () => {
  const driver = new Driver(LNS_OPEN).openLcp('2:00000000', '5:0a0b0c0d', '7:', '8:');
  driver.link.answerNetwork(ADDRESSES, 0);
  driver.sent();
  driver.receive(
    'CCP Configure-Request 1 26:7800 24:7800 21:2f',
    'IPCP Configure-Request 1 2:002d0f01 3:00000000',
    'IPV6CP Configure-Request 1 1:5d1f6a2b3c4d5e6f',
    'IPCP Configure-Request 2 3:00000000',
    'IPCP Configure-Request 3 3:0a000007',
    'IPCP Configure-Ack 4 3:0a000001',
  );
  assert.deepEqual(
    driver.sent().map((one) => one.split(' ').slice(0, 2).join(' ')),
    ['LCP Protocol-Reject', 'IPCP Configure-Reject', 'LCP Protocol-Reject', 'IPCP Configure-Nak', 'IPCP Configure-Ack'],
  );
  assert.ok(driver.eventTypes().includes('ipcp-up'));
});

test('pppd starts after its ICCN is out: our first proposal is repeated when it is heard, not a restart time later', () => {
  const driver = new Driver(LNS_OPEN).start();
  const [proposal] = driver.sent();
  driver.wait(90);

  driver.receive('LCP Configure-Request 1 5:0a0b0c0d');

  assert.deepEqual(driver.sent(), [proposal, 'LCP Configure-Ack 1 5:0a0b0c0d']);
  driver.receive(proposal.replace('Request', 'Ack'), proposal.replace('Request', 'Ack'));
  assert.equal(driver.link.phase, 'network', 'the second Ack is none of ours');
});

test('a peer that begins when we do is asked once', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.wait(20);

  driver.receive('LCP Configure-Request 1 5:0a0b0c0d');

  assert.deepEqual(driver.sent(), ['LCP Configure-Ack 1 5:0a0b0c0d']);
});
