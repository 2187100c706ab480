/**
 * The composition root: the only file that wires everything. Reads the command line, opens the store, starts the
 * packet path's worker, the control plane and the API, and ends them in the reverse order.
 */

import { lookup } from 'node:dns/promises';
import { mkdirSync, readFileSync, writeSync } from 'node:fs';
import { cpus, freemem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { Appliance } from './api/program.js';
import { type ApiServer, startApi } from './api/server.js';
import { type Board, parseBoard } from './control/board/board.js';
import { factorySettings } from './control/board/factory-settings.js';
import { Proof } from './control/board/proof.js';
import { Update } from './control/board/update.js';
import { takeBackExpired } from './control/confirmation.js';
import { ControlPlane } from './control/control-plane.js';
import { ControlView } from './control/control-view.js';
import type { DhcpPrograms } from './control/dhcp.js';
import type { LoadReading } from './control/load.js';
import { LogRing } from './control/log-ring.js';
import { randomPool } from './control/random-pool.js';
import type { MemoryReading } from './control/session-memory.js';
import { TestCalls } from './control/test-call/test-calls.js';
import {
  ActivityReader,
  type DataPlaneCommand,
  type DataPlaneOptions,
  type DataPlaneReport,
  readDropCounters,
  readSessionCounters,
  reportsHandled,
} from './dataplane/interface.js';
import { CommandWriter, type Message, reportReader } from './dataplane/messages.js';
import { BundleFile } from './linux/bundle-file.js';
import { mayConfigureNetwork } from './linux/capabilities.js';
import { probeDataPath } from './linux/data-path-test.js';
import { UdhcpClients } from './linux/dhcp-client.js';
import { UdhcpServers } from './linux/dhcp-server.js';
import { readEthernetInterfaces } from './linux/ethernet-interfaces.js';
import { writeNameServers } from './linux/name-servers.js';
import { NetConfig } from './linux/netconfig.js';
import { readInterfaces, readRoutes } from './linux/network-state.js';
import { makeSelfSignedCertificate } from './linux/openssl-program.js';
import { PortOffload } from './linux/port-offload.js';
import { RootHelper } from './linux/root-helper.js';
import { logOutput } from './log-output.js';
import { ProgramLog } from './program-log.js';
import { openStore, type Store, StoreError } from './store/store.js';

const USAGE =
  'usage: node main.js --data FOLDER --socket PATH [--lan INTERFACE]… [--supervised] [--board FILE]' +
  ' [--name-servers FILE]';
const OPTIONS = {
  data: { type: 'string' },
  socket: { type: 'string' },
  lan: { type: 'string', multiple: true },
  supervised: { type: 'boolean' },
  board: { type: 'string' },
  'name-servers': { type: 'string' },
} as const;
/** Above dist/firmware/. */
const PROJECT_FOLDER = fileURLToPath(new URL('../../', import.meta.url));
/** As many as there are session IDs (RFC 2661 section 3.1): rows that are not used cost no memory. */
const MAX_SESSIONS = 65_535;
/** Packets that the packet path takes from a descriptor at once. */
const BATCH_PACKETS = 64;
/**
 * Garbage is collected when the heap has grown by so much over what lives in it. Left alone V8 waits for up to four times as
 * much: a session of 10,000 then takes 6 to 9 KiB, as it happens, and this way 4.6. At 30 it takes 3.5 to 4, and calls are
 * set up with a third more processor time.
 */
const HEAP_GROWTH_PERCENT = 45;
/** Of the log, kept in memory for those who ask for it. */
const LOG_LINES = 5_000;
const WAKE = Buffer.from(new BigUint64Array([1n]).buffer);

const resolveHost = async (host: string) => (await lookup(host)).address;
const ring = new LogRing(LOG_LINES);
const logs = new ProgramLog(logOutput(), ring, { resolve: resolveHost, processId: process.pid });
const log = logs.root;

/** Ends the program with a sentence for the person who started it. */
function refuse(message: string): never {
  process.stderr.write(`tunnelwerk: ${message}\n`);
  process.exit(1);
}

interface CommandLine {
  data: string;
  socket: string;
  /** Interfaces from which the box is administered as long as its settings name none. */
  lan: string[];
  /** The program is started again whenever it ends. */
  supervised: boolean;
  /** What the image says of the board that it runs on; undefined on a system that is not an image of this program. */
  board: string | undefined;
  /** Where the system's resolver reads its name servers; undefined: they are none of this program's business. */
  nameServers: string | undefined;
}

function readCommandLine(): CommandLine {
  try {
    const { data, socket, lan = [], supervised = false, board, ...others } = parseArgs({ options: OPTIONS }).values;
    const nameServers = others['name-servers'];
    if (data !== undefined && socket !== undefined) return { data, socket, lan, supervised, board, nameServers };
  } catch (error) {
    refuse(`${(error as Error).message}\n${USAGE}`);
  }
  return refuse(USAGE);
}

/** A board has nobody beside it who could mend its database, and settings of its own to begin with. */
function openStoreOrRefuse(folder: string, board: Board | undefined): Store {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    refuse(`${(error as Error).message}; give a --data folder that this user may write to`);
  }
  try {
    return openStore({
      ...{ path: join(folder, 'tunnelwerk.db'), keyFile: join(folder, 'key'), isUnattended: board !== undefined },
      ...(board && { firstSettings: factorySettings(board) }),
    });
  } catch (error) {
    if (error instanceof StoreError) refuse(error.message);
    throw error;
  }
}

interface PacketPath {
  counters: SharedArrayBuffer;
  worker: Worker;
  post(commands: DataPlaneCommand[]): void;
  onReports(handle: (reports: DataPlaneReport[]) => void): void;
}

/** An eventfd takes a number without waiting; by way of libuv's threads this cost a fifth of a call's set-up. */
function wake(wakeFd: number): void {
  try {
    writeSync(wakeFd, WAKE);
  } catch (error) {
    // EAGAIN: so many wake-ups are pending that the worker cannot miss them.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EAGAIN' && code !== 'EBADF') throw error;
  }
}

/** What waits in one go of the event loop is handed on at once: one commit, one message back and one wake-up for all. */
function inOneGo(handle: (reports: DataPlaneReport[]) => void): (reports: DataPlaneReport[]) => void {
  let waiting: DataPlaneReport[] = [];
  return (reports) => {
    if (waiting.length > 0) {
      waiting.push(...reports);
      return;
    }
    waiting = reports;
    setImmediate(() => {
      const all = waiting;
      waiting = [];
      handle(all);
    });
  };
}

/** Resolves when the worker has its sockets. */
function startPacketPath(options: DataPlaneOptions): Promise<PacketPath> {
  const worker = new Worker(new URL('./dataplane/worker.js', import.meta.url), { workerData: options });
  const writer = new CommandWriter();
  const reader = reportReader();
  return new Promise((resolve, reject) => {
    const refused = (error: Error) => reject(error);
    worker.once('error', refused);
    let handle: (reports: DataPlaneReport[]) => void = (reports) => {
      const [first] = reports;
      if (first.type === 'failed') reject(new Error(`${first.what}; ${first.advice}`));
      if (first.type !== 'ready') return;
      worker.removeListener('error', refused);
      const { counters, wakeFd } = first;
      const post = (commands: DataPlaneCommand[]) => {
        worker.postMessage(writer.emit(commands));
        wake(wakeFd);
      };
      const refusals = reports.filter(({ type }) => type === 'failed');
      // What strangers send before there is somebody to handle it they will send again.
      handle = (early) => reportsHandled(counters, early);
      const onReports: PacketPath['onReports'] = (take) => {
        handle = inOneGo((later) => {
          take(later);
          reportsHandled(counters, later);
        });
        handle(refusals);
      };
      resolve({ counters, worker, post, onReports });
    };
    worker.on('message', (message: Message<DataPlaneReport>) => handle(reader.parse(message)));
  });
}

/** Where a control group bounds the process, the rest of that is all there is. */
function readMemory(): MemoryReading {
  const resident_bytes = process.memoryUsage.rss();
  const bound_bytes = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return { resident_bytes, available_bytes: Math.max(0, Math.min(freemem(), bound_bytes - resident_bytes)) };
}

function readLoad(counters: SharedArrayBuffer, activity: ActivityReader): Omit<LoadReading, 'calls'> {
  const { user, system } = process.cpuUsage();
  let [busy_ms, idle_ms] = [0, 0];
  for (const { times } of cpus()) {
    idle_ms += times.idle;
    busy_ms += times.user + times.nice + times.sys + times.irq;
  }
  return {
    receivedOctets: activity.octets.received,
    sentOctets: activity.octets.sent,
    processor_ms: (user + system) / 1000,
    machineBusy_ms: busy_ms,
    machineIdle_ms: idle_ms,
    resident_bytes: process.memoryUsage.rss(),
    drops: readDropCounters(counters),
  };
}

/** What they have to keep is beside the program's own socket. */
function dhcpPrograms({ socket, nameServers }: CommandLine): DhcpPrograms {
  const folder = `${socket}.dhcp`;
  const writeThem = (addresses: readonly string[]) =>
    nameServers === undefined ? Promise.resolve('') : writeNameServers(nameServers, addresses);
  return { clients: new UdhcpClients(folder), servers: new UdhcpServers(folder), writeNameServers: writeThem };
}

const RAUC_CONFIGURATION = '/etc/rauc/system.conf';
/** A data message of version 2 for tunnel 0 and session 0 (RFC 2661 section 3.1), which no peer sends. */
const PROBE = Uint8Array.of(0, 2, 0, 0, 0, 0);

/** What the image says of the board beneath. */
function readBoard(file: string): Board {
  try {
    return parseBoard(readFileSync(file, 'utf8'));
  } catch (error) {
    return refuse(`${file}: ${(error as Error).message}; give the description of the board that the image has`);
  }
}

/** The board's root helper is beside the program's own socket, its data too. */
function openBoard(
  description: Board,
  { data, socket }: CommandLine,
  counters: SharedArrayBuffer,
  port: number,
): Appliance {
  const helper = new RootHelper(join(dirname(socket), 'root.sock'));
  const testDataPath = () => {
    const seen = () => readDropCounters(counters)['session-zero'];
    const before = seen();
    return probeDataPath(port, PROBE, () => seen() > before);
  };
  return {
    ...{ description, helper },
    update: new Update(
      description,
      helper,
      new BundleFile(join(dirname(data), 'update', 'bundle.raucb'), RAUC_CONFIGURATION),
    ),
    proof: new Proof({ helper, testDataPath, log: logs.part('control') }),
  };
}

async function start(): Promise<void> {
  const commandLine = readCommandLine();
  const { data, socket, lan, supervised, board } = commandLine;
  if (!mayConfigureNetwork()) {
    refuse('may not make TUN devices, addresses and routes; start it as root, or with the capability CAP_NET_ADMIN');
  }
  const description = board === undefined ? undefined : readBoard(board);
  const store = openStoreOrRefuse(data, description);
  takeBackExpired(store.documents, Date.now);
  const { l2tp, routing } = store.documents.settings();
  const { port } = l2tp;
  const { packetOffload } = routing;
  const packetPath = await startPacketPath({
    ...{ listen: { port }, maxSessions: MAX_SESSIONS, batch: BATCH_PACKETS, offload: packetOffload },
  }).catch((error: Error) => refuse(error.message));
  const { counters, worker } = packetPath;
  let stopping = false;
  worker.on('error', (error) => {
    logs.part('packet-path').fatal({ error: error.stack }, 'the packet path failed');
    process.exit(1);
  });
  worker.on('exit', () => {
    if (!stopping) process.exit(1);
  });
  const activity = new ActivityReader(counters);
  const { version } = JSON.parse(readFileSync(join(PROJECT_FOLDER, 'package.json'), 'utf8')) as { version: string };
  const plane = new ControlPlane({
    store,
    network: new NetConfig(),
    portOffload: new PortOffload(),
    dhcp: dhcpPrograms(commandLine),
    post: packetPath.post,
    listeningPort: port,
    packetOffload,
    program: `tunnelwerk ${version}`,
    readSessionCounters: (sessionId, generation) => readSessionCounters(counters, sessionId, generation),
    readActivity: () => activity.read(),
    readEthernetInterfaces,
    readMemory,
    givenLan: lan,
    readLoad: () => readLoad(counters, activity),
    now_ms: () => performance.now(),
    random: randomPool(),
    resolve: resolveHost,
    fail: (error) => {
      log.fatal({ error: error.stack }, 'a turn failed');
      process.exit(1);
    },
    logs,
  });
  packetPath.onReports((reports) => plane.handleReports(reports));
  await plane.start();

  const view = new ControlView(plane, version, () => readDropCounters(counters));
  const testCalls = new TestCalls({
    settings: () => store.documents.settings(),
    resolve: resolveHost,
    random: randomPool(),
    now_ms: () => performance.now(),
    clients: () => view.status().lacClients,
    atOwnLns: (request) => plane.callTraces.atOtherEnd(request, 'lns'),
  });
  const webUiFolder = join(PROJECT_FOLDER, 'dist/page');
  const makeCertificate = makeSelfSignedCertificate;
  let api: ApiServer | undefined;
  const stop = (cause: string) => {
    if (stopping || api === undefined) return;
    stopping = true;
    appliance?.proof.stop();
    log.info({ cause }, 'stopping');
    void end(plane, packetPath, api, store);
  };
  const appliance = description && openBoard(description, commandLine, counters, port);
  const restart = supervised ? () => stop('restart by request') : undefined;
  const program = { dataFolder: data, restart, appliance };
  api = await startApi({
    ...{
      store,
      view,
      traces: plane.callTraces,
      testCalls,
      webUiFolder,
      makeCertificate,
      network: { interfaces: readInterfaces, routes: readRoutes },
      program,
      logs: ring,
      log: logs.part('api'),
    },
    ...{ givenLan: lan, socketPath: socket },
  }).catch((error: Error) => refuse(error.message));
  const { perSession_bytes, sessionsThatFit } = plane.memory.view(0);
  log.info({ socket, version, perSession_bytes, sessionsThatFit }, 'tunnelwerk is ready');

  await appliance?.proof.start();
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
}

/** Peers hear of the end, then the kernel's settings go, then the devices. */
async function end(plane: ControlPlane, packetPath: PacketPath, api: ApiServer, store: Store): Promise<void> {
  await plane.stop();
  const ended = new Promise((resolve) => packetPath.worker.once('exit', resolve));
  packetPath.post([{ type: 'stop' }]);
  await ended;
  await api.app.close();
  store.close();
  process.exit(0);
}

setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
await start();
