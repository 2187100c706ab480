/**
 * Captures of real calls by the shipped program: a branch with our LAC client, and pppd over the PPPoE of its kernel with
 * LAC and LNS. What comes as pcapng is what was on the cables, octet by octet; tshark reads it without a complaint, and
 * no password is in it.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CaptureView } from '../../firmware/control/view.js';
import { Capture, type Judgement, type JudgeOptions, judge } from '../lab/capture.js';
import { type FourteenSteps, setUp, startFourteenSteps } from '../lab/fourteen-steps.js';
import type { Namespace } from '../lab/namespaces.js';
import { judgeDiscovery } from '../lab/pppoe-capture.js';
import { run } from '../lab/process.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { Appliance } from './appliance.js';
import { Appliance as Program } from './appliance.js';
import { assertInOrder, assertSteps, CALL_SETUP, judged } from './assertions.js';
import { profile, up } from './branch.js';
import { type FilePacket, l2tpOf, pcapngPackets, pcapPackets } from './capture-blocks.js';
import { idle, startLns, USER } from './lns.js';

const TRANSFER = fileURLToPath(new URL('../unit/linux/transfer-program.js', import.meta.url));
const TRANSFER_PORT = '4000';
const TRANSFER_BYTES = 400_000;
const URL_PATH = '/api/v1/captures';
const SECRET = 'tunnel-secret';
const PPPOE_STEPS = ['PADI', 'PADO', 'PADR', 'PADS'];

function begin({ api }: Appliance, request: object): Promise<CaptureView> {
  return api.demand('POST', URL_PATH, { size_bytes: 2 ** 23, ...request });
}

/** Stops a capture; its file, and where that is kept for tshark. */
async function end({ api }: Appliance, { id }: CaptureView, folder: string, name: string) {
  await api.demand('POST', `${URL_PATH}/${id}/stop`);
  const file = await api.file(`${URL_PATH}/${id}/file`);
  await api.demand('DELETE', `${URL_PATH}/${id}`);
  const path = join(folder, `${name}.pcapng`);
  writeFileSync(path, file);
  return { file, path, packets: pcapngPackets(file) };
}

/** Some hundred kilobytes by TCP. */
async function transfer(from: Namespace, to: Namespace, address: string): Promise<void> {
  const receiver = to.start('transfer', [process.execPath, TRANSFER, 'receive', TRANSFER_PORT]);
  await receiver.waitForLine(/listening/, { timeout_ms: 10_000 });
  const sending = [process.execPath, TRANSFER, 'send', address, TRANSFER_PORT, String(TRANSFER_BYTES)];
  const { stdout } = await from.run(sending, { timeout_ms: 30_000 });
  assert.equal(await receiver.waitForLine(/sha256/, { timeout_ms: 10_000 }), stdout.trim());
  await receiver.stop();
}

/** What tshark's experts say of a whole file that is more than a chat or a note; TCP's own affairs aside. */
async function expertErrors(path: string): Promise<string> {
  const { stdout } = await run(['tshark', '-n', '-r', path, '-q', '-z', 'expert,error']);
  return stdout.trim();
}

/** A Message Digest is a secret's, and the zeros in its place are wrong: nothing else is. */
async function withoutDigests(path: string, options: JudgeOptions): Promise<Judgement> {
  const judgement = await judge(path, options);
  assert.deepEqual(
    judgement.complaints.filter((complaint) => !complaint.endsWith(': incorrect digest')),
    [],
  );
  return judgement;
}

const l2tpIn = (packets: readonly FilePacket[]): string[] =>
  packets.filter(({ linkType }) => linkType === 101).map(({ octets }) => l2tpOf(octets));

/** None is left of a test that failed. */
async function forgetAll(...boxes: readonly Appliance[]): Promise<void> {
  for (const { api } of boxes) {
    for (const { id } of await api.demand<CaptureView[]>('GET', URL_PATH))
      await api.demand('DELETE', `${URL_PATH}/${id}`);
  }
}

describe('a capture of a branch’s call', { skip: labIsMissing() }, () => {
  let sites: Sites;
  let lns: Appliance;
  let branch: Appliance;

  before(async () => {
    sites = await layThreeSites();
    lns = await startLns(sites, { lns: { authentication: ['pap'] } });
    branch = await Program.start(sites.lab, sites.user, 'branch');
  });
  after(() => sites?.lab.close());
  afterEach(() => forgetAll(lns, branch));

  for (const { name, encapsulation, server, cookie_bytes } of [
    { name: 'udp2', encapsulation: 'udp2', server: ADDRESS.lns, cookie_bytes: 0 },
    { name: 'udp3 with cookies', encapsulation: 'udp3', server: ADDRESS.lns, cookie_bytes: 8 },
    { name: 'IP 115 with cookies', encapsulation: 'ip', server: ADDRESS.lns, cookie_bytes: 4 },
    { name: 'udp2 over IPv6', encapsulation: 'udp2', server: ADDRESS.lns6, cookie_bytes: 0 },
    { name: 'IP 115 over IPv6', encapsulation: 'ip', server: ADDRESS.lns6, cookie_bytes: 8 },
  ] as const) {
    const title = name.replaceAll(' ', '-');
    const dialled = profile({ server, encapsulation, cookie_bytes, tunnelSecret: SECRET });

    it(`${name}: of a user that calls later, from SCCRQ to StopCCN, without the password`, async () => {
      await lns.api.configure({ lns: { defaultSecret: SECRET, cookie_bytes } });
      const others = await begin(lns, { filter: { user: 'bob' } });
      const atLns = await begin(lns, { filter: { user: USER.name } });
      const withSecrets = await begin(lns, {
        filter: { user: USER.name },
        withoutSecrets: false,
        withoutPayload: true,
      });
      const atBranch = await begin(branch, { filter: { user: USER.name } });
      await branch.api.configure(dialled);
      await up(branch, sites.user, ADDRESS.office);
      assert.equal((await sites.user.ping(ADDRESS.office, { size_bytes: 1200 })).status, 0);
      await branch.api.configure(profile({ enabled: false }));
      await Promise.all([idle(lns), idle(branch)]);
      for (const [box, capture, where] of [
        [lns, atLns, 'lns'],
        [branch, atBranch, 'branch'],
      ] as const) {
        const { file, path } = await end(box, capture, sites.lab.folder, `${title}-${where}`);
        const judgement = await withoutDigests(path, { cookie_bytes, sublayer: 'none' });
        const steps = [
          ...CALL_SETUP,
          'PAP Authenticate-Request',
          'IPCP Configure-Ack',
          'IPv4',
          'LCP Terminate-Request',
        ];
        assertSteps(judgement, steps);
        assert.match(await expertErrors(path), /^$/);
        assert.ok(!file.includes(USER.password), `${where}: the password is in the file`);
        assert.ok(file.includes(USER.name), 'and the name is');
      }
      const shown = await end(lns, withSecrets, sites.lab.folder, `${title}-secrets`);
      assert.ok(shown.file.includes(USER.password));
      const pings = shown.packets.filter(({ comment }) => comment.includes('payload'));
      assert.ok(pings.length >= 2 && pings.every(({ octets, wire_bytes }) => octets.length < 120 && wire_bytes > 1200));
      assert.deepEqual((await end(lns, others, sites.lab.folder, `${title}-others`)).packets, []);
    });

    it(`${name}: of a tunnel, packet for packet what was on the cable, trains and super-packets as single ones`, async () => {
      await branch.api.configure(dialled);
      await up(branch, sites.user, ADDRESS.office);
      const [tunnel] = await lns.api.tunnels();
      const [session] = await lns.api.sessions();
      const filter = { tunnelId: tunnel?.tunnelId };
      const ofTunnel = await begin(lns, { filter, withoutSecrets: false });
      const ofSession = await begin(lns, { filter: { sessionId: session?.sessionId }, withoutSecrets: false });
      const cable = await Capture.start(sites.lab, sites.user, 'uplink', `${title}-cable`);
      assert.equal((await sites.user.ping(ADDRESS.office)).status, 0);
      await transfer(sites.user, sites.office, ADDRESS.office);
      await transfer(sites.office, sites.user, session?.address ?? '');
      await branch.api.configure(profile({ enabled: false }));
      await Promise.all([idle(lns), idle(branch)]);
      const wire = pcapPackets(readFileSync(await cable.stop())).map((frame) => l2tpOf(frame.subarray(14)));
      const onCable = wire.filter((packet) => packet !== '');
      const { path, packets } = await end(lns, ofTunnel, sites.lab.folder, `${title}-tunnel`);
      assert.ok(onCable.length > 500, `${onCable.length} packets`);
      assert.deepEqual(new Set(l2tpIn(packets)), new Set(onCable));
      assert.equal(packets.length, onCable.length);
      const ordered = packets.map(({ time_us }) => time_us);
      assert.deepEqual(
        ordered,
        [...ordered].sort((one, other) => one - other),
      );
      await judged(path, { cookie_bytes, sublayer: 'none', payload: 'ppp' });
      const { packets: data } = await end(lns, ofSession, sites.lab.folder, `${title}-session`);
      const all = new Set(onCable);
      assert.ok(data.length > 500 && l2tpIn(data).every((packet) => all.has(packet)));
    });
  }

  it('a short ring keeps the newest packets, and is read while it is written', async () => {
    await branch.api.configure(profile({ encapsulation: 'udp2', tunnelSecret: SECRET }));
    await up(branch, sites.user, ADDRESS.office);
    const capture = await begin(lns, { filter: { user: USER.name }, size_bytes: 65_536 });
    const sending = transfer(sites.user, sites.office, ADDRESS.office);
    const during = await lns.api.file(`${URL_PATH}/${capture.id}/file`);
    await sending;
    assert.ok(pcapngPackets(during).length >= 0);
    const seen = await lns.api.demand<CaptureView>('GET', `${URL_PATH}/${capture.id}`);
    assert.ok(seen.overwritten > 100 && seen.packets > seen.overwritten, JSON.stringify(seen));
    const { path, packets } = await end(lns, capture, sites.lab.folder, 'short');
    assert.ok(packets.length > 20 && packets.length <= 65_536 / 128);
    assert.match(await expertErrors(path), /^$/);
    await branch.api.configure(profile({ enabled: false }));
    await Promise.all([idle(lns), idle(branch)]);
  });
});

describe('a capture of pppd’s call by PPPoE', { skip: labIsMissing() }, () => {
  let steps: FourteenSteps;

  before(async () => {
    steps = await startFourteenSteps({ authentication: 'pap' });
  });
  after(() => steps?.sites.lab.close());
  afterEach(() => forgetAll(steps.lac, steps.lns));

  for (const encapsulation of ['udp2', 'ip'] as const) {
    for (const authentication of ['pap', 'chap-md5', 'mschapv2'] as const) {
      it(`${encapsulation}, ${authentication}: PPPoE and L2TP at the LAC, L2TP at the LNS, no secret in either`, async () => {
        const { lac, lns, pc, sites } = steps;
        await setUp(steps, { encapsulation, authentication, proxy: 'chap' });
        const user = USER.name;
        const captures = await Promise.all([lac, lns].map((box) => begin(box, { filter: { user } })));
        await pc.connect({ user, password: USER.password, routes: [ADDRESS.officeNetwork], authentication });
        assert.equal((await pc.ping(ADDRESS.office)).status, 0);
        await pc.hangUp();
        await until('no session is left', 30_000, async () => (await lns.api.status()).sessions === 0);
        const name = `${encapsulation}-${authentication}`;
        const atLac = await end(lac, captures[0]!, sites.lab.folder, `${name}-lac`);
        const atLns = await end(lns, captures[1]!, sites.lab.folder, `${name}-lns`);
        const discovery = await judgeDiscovery(atLac.path);
        assert.deepEqual(discovery.complaints, []);
        assertInOrder(
          discovery.packets.map(({ what }) => what),
          PPPOE_STEPS,
        );
        for (const { path, file } of [atLac, atLns]) {
          const judgement = await withoutDigests(path, { sublayer: 'none' });
          assertSteps(judgement, ['SCCRQ', 'SCCRP', 'SCCCN', 'ICRQ', 'ICRP', 'ICCN', 'IPCP Configure-Ack', 'IPv4']);
          assert.match(await expertErrors(path), /^$/);
          assert.ok(!file.includes(USER.password));
        }
        const frames = atLac.packets.filter(({ linkType }) => linkType === 1);
        assert.ok(frames.some(({ isSent }) => isSent) && frames.some(({ isSent }) => !isSent));
        assert.ok(atLns.packets.every(({ linkType }) => linkType === 101));
      });
    }
  }
});
