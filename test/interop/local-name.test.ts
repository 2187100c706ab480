/** The box is found by its name on its LAN (RFC 6762), and answers to it; on its WAN nobody hears of it. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Answer, Packet } from 'dns-packet';
import type { Settings } from '../../firmware/settings.js';
import { Capture } from '../lab/capture.js';
import { Lab, type Namespace } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import type { MdnsPeer } from './mdns-peer-process.js';
import type { WebAnswer, WebRequest } from './web-request-process.js';

const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const NAME = 'tunnelwerk.local';
const INTERFACES = [
  { name: 'eth0', role: 'wan', addressing: 'static', addresses: ['192.0.2.2/24'] },
  { name: 'eth1', role: 'lan', addressing: 'static', addresses: ['192.168.115.1/24'] },
] as Settings['interfaces'];

describe('the name of the box on its LAN', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let [box, admin, stranger] = [] as unknown as Namespace[];
  let appliance: Appliance;
  let capture: Capture;

  before(async () => {
    lab = await Lab.open();
    [box, admin, stranger] = [
      await lab.namespace('box'),
      await lab.namespace('admin'),
      await lab.namespace('stranger'),
    ];
    const lan = { namespace: admin, device: 'eth0', addresses: ['192.168.115.7/24'] };
    await lab.cable(lan, { namespace: box, device: 'eth1' });
    const wan = { namespace: stranger, device: 'eth0', addresses: ['192.0.2.7/24'] };
    await lab.cable(wan, { namespace: box, device: 'eth0' });
    // For the group of mDNS there has to be a way.
    for (const one of [admin, stranger]) await one.ip('route add default dev eth0');
    capture = await Capture.start(lab, admin, 'eth0', 'lan', 'udp port 5353');
    appliance = await Appliance.start(lab, box, 'box');
    await appliance.api.configure({ interfaces: INTERFACES });
  });
  after(() => lab?.close());

  const ask = async (from: Namespace, peer: MdnsPeer): Promise<Partial<Packet>> => {
    const { stdout } = await from.run([process.execPath, program('mdns-peer-process.js'), JSON.stringify(peer)]);
    return JSON.parse(stdout) as Partial<Packet>;
  };
  const told = (answers: readonly Answer[] = []): string[] =>
    answers.map((one) => `${one.name} ${one.type} ${one.type === 'A' ? one.data : ''}`.trim());
  const ofAdmin = { own: '192.168.115.7', name: NAME };

  it('who asks by multicast is answered with the address, and that there is no other kind', async () => {
    await until(
      'it answers',
      10_000,
      async () => told((await ask(admin, { ...ofAdmin, type: 'A' })).answers).length > 0,
    );
    const { answers, additionals } = await ask(admin, { ...ofAdmin, type: 'A' });
    assert.deepEqual([told(answers), told(additionals)], [[`${NAME} A 192.168.115.1`], [`${NAME} NSEC`]]);
    assert.deepEqual(told((await ask(admin, { ...ofAdmin, type: 'AAAA' })).answers), [`${NAME} NSEC`]);
    assert.deepEqual(told((await ask(admin, { ...ofAdmin, name: 'another.local', type: 'A' })).answers), []);
  });

  it('a resolver that knows nothing of multicast is answered itself, RFC 6762 section 6.7', async () => {
    const { answers = [], questions, id } = await ask(admin, { ...ofAdmin, type: 'A', isLegacy: true });
    assert.deepEqual([told(answers), id], [[`${NAME} A 192.168.115.1`], 4711]);
    assert.deepEqual(
      questions?.map(({ name }) => name),
      [NAME],
    );
    assert.ok(answers.every((one) => 'ttl' in one && (one.ttl ?? 0) <= 10 && !('flush' in one && one.flush)));
  });

  it('nobody on the WAN is answered, neither by multicast nor at its address', async () => {
    assert.deepEqual(await ask(stranger, { own: '192.0.2.7', name: NAME, type: 'A' }), {});
    assert.deepEqual(await ask(stranger, { own: '192.0.2.7', name: NAME, type: 'A', isLegacy: true }), {});
  });

  it('the page is served under the name, and the certificate is for it; another name is refused', async () => {
    const request = async (host: string): Promise<WebAnswer> => {
      const asked: WebRequest = { url: 'https://192.168.115.1/api/v1/health', headers: { host } };
      const { stdout } = await admin.run([process.execPath, program('web-request-process.js'), JSON.stringify(asked)]);
      return JSON.parse(stdout) as WebAnswer;
    };
    assert.equal((await request(NAME)).status, 200);
    assert.equal((await request('another.local')).status, 403);
    const { stdout } = await admin.run(['openssl', 's_client', '-connect', '192.168.115.1:443', '-showcerts'], {
      input: '',
    });
    const [pem = ''] = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/s.exec(stdout) ?? [];
    assert.equal(new X509Certificate(pem).checkHost(NAME), NAME);
  });

  it('another host of the same name is told of, by its address', async () => {
    const claim = JSON.stringify({ ...ofAdmin, own: '192.168.115.7' });
    const rival = admin.start('rival', [process.execPath, program('mdns-peer-process.js'), claim]);
    await until('it is told', 10_000, async () => {
      const { problems } = await appliance.api.status();
      return problems.some(({ what }) => what === `192.168.115.7 is called ${NAME} too`);
    });
    await rival.stop('SIGKILL');
  });

  it('with another host name the box has another name, and says so of both', async () => {
    await appliance.api.configure({ system: { hostName: 'head-office' } });
    const renamed = { ...ofAdmin, name: 'head-office.local', type: 'A' } as const;
    assert.deepEqual(told((await ask(admin, renamed)).answers), ['head-office.local A 192.168.115.1']);
    assert.deepEqual(told((await ask(admin, { ...ofAdmin, type: 'A' })).answers), []);
    assert.equal(await appliance.stop(), 0);
  });

  it('what the box sent is well-formed, from port 5353 with TTL 255; it announces, and says goodbye', async () => {
    const path = await capture.stop();
    const sent = 'ip.src == 192.168.115.1';
    const list = async (filter: string, ...fields: string[]): Promise<string[]> => {
      const wanted = fields.flatMap((field) => ['-e', field]);
      const argv = [
        'tshark',
        '-r',
        path,
        '-Y',
        `${sent} && (${filter})`,
        '-T',
        'fields',
        '-E',
        'separator=,',
        ...wanted,
      ];
      return (await admin.run(argv)).stdout.split('\n').filter(Boolean);
    };
    assert.deepEqual(await list('_ws.malformed || _ws.expert.severity >= 6291456', 'frame.number'), []);
    assert.deepEqual(await list('udp.srcport != 5353 || ip.ttl != 255', 'frame.number'), []);
    const goodbyes = await list('dns.resp.ttl == 0', 'dns.resp.name');
    assert.deepEqual(goodbyes, [NAME, 'head-office.local']);
    // RFC 6762 section 8.3: twice, and no question was asked then.
    assert.ok((await list(`dns.resp.name == ${NAME} && dns.a && dns.resp.ttl == 120`, 'frame.number')).length >= 2);
  });
});
