/**
 * The page: asks the API for status, sessions, tunnels and pseudowires every two seconds, and follows the trace as it
 * is streamed.
 * Everything from the API is put in as text, never as HTML, for peers choose names.
 */

const POLL_INTERVAL_MS = 2000;
const TRACE_ROWS = 300;
const SESSIONS_SHOWN = 200;

const byId = (id) => document.getElementById(id);

/** One table cell; content is text or a node. */
function cell(content, className = '') {
  const td = document.createElement('td');
  td.className = className;
  td.append(content);
  return td;
}

/** Makes the rows of `body` those of `list`, one for each key, and keeps the ones that are there: focus stays. */
function fillTable(body, list, keyOf, cellsOf) {
  const present = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  const rows = list.map((item) => {
    const key = String(keyOf(item));
    const row = present.get(key) ?? document.createElement('tr');
    row.dataset.key = key;
    const cells = cellsOf(item);
    // A cell with a button is kept as it is, for somebody may be about to press it.
    cells.forEach((fresh, at) => {
      const old = row.cells[at];
      if (!old) row.append(fresh);
      else if (!old.querySelector('button') && old.textContent !== fresh.textContent) old.replaceWith(fresh);
    });
    return row;
  });
  // Rows are moved only when the order changed, since moving one takes the focus off its button.
  if (rows.length !== body.rows.length || rows.some((row, at) => row !== body.rows[at])) body.replaceChildren(...rows);
  showNothing(body);
}

function showNothing(body) {
  const isEmpty = body.rows.length === 0;
  const scroll = body.closest('.scroll');
  scroll.hidden = isEmpty;
  const nothing = scroll.parentElement.querySelector('.nothing');
  if (nothing) nothing.hidden = !isEmpty;
}

function duration(since) {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1000));
  if (!Number.isFinite(seconds)) return '';
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

function octets(count) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** IP protocol 115 has no ports: there the address says all. */
function endpoint(address, port) {
  if (port === 0) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

const TRANSPORTS = { udp: 'UDP', ip: 'IP' };
const l2tp = ({ version, encapsulation }) => `version ${version}, ${TRANSPORTS[encapsulation]}`;
const until = (time) => `until ${new Date(time).toLocaleTimeString()}`;

function disconnectButton(session) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Disconnect';
  button.setAttribute('aria-label', `Disconnect ${session.user || `session ${session.sessionId}`}`);
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      const response = await fetch(`/api/v1/sessions/${session.sessionId}`, { method: 'DELETE' });
      if (!response.ok && response.status !== 404) throw new Error(`answer ${response.status}`);
      await refresh();
    } catch (error) {
      button.disabled = false;
      sayConnection(`could not disconnect: ${error.message}`, true);
    }
  });
  return button;
}

/** Who calls: a PC by its address on the cable, a peer by its address on the network. */
function sessionPeer({ pppoe, peerAddress, callingNumber }) {
  if (!pppoe) return callingNumber ? `${peerAddress} (${callingNumber})` : peerAddress;
  const way = [pppoe.interface, ...pppoe.vlanIds].join('.');
  return `${pppoe.mac} on ${way}${pppoe.circuitId ? ` (${pppoe.circuitId})` : ''}`;
}

/** What carries the call: L2TP, PPPoE, or one after the other. */
function sessionWay(session) {
  const tunnel = session.cookie_bytes ? `${l2tp(session)}, cookie of ${session.cookie_bytes} B` : l2tp(session);
  if (session.role !== 'lac') return tunnel;
  return session.lns ? `PPPoE, then ${tunnel} to ${session.lns}` : 'PPPoE';
}

function sessionCells(session) {
  const { counters } = session;
  return [
    cell(session.user || '–'),
    cell(session.address || session.linkLocalAddress || '–', 'code'),
    cell(session.authentication ? `${session.state}, ${session.authentication}` : session.state, 'wraps'),
    cell(sessionPeer(session), 'code wraps'),
    cell(sessionWay(session), 'wraps'),
    cell(duration(session.since)),
    cell(`${octets(counters.receivedOctets)} / ${counters.receivedPackets}`, 'number'),
    cell(`${octets(counters.sentOctets)} / ${counters.sentPackets}`, 'number'),
    cell(session.mtu_bytes ? String(session.mtu_bytes) : '–', 'number'),
    cell(disconnectButton(session)),
  ];
}

function tunnelCells(tunnel) {
  return [
    cell(endpoint(tunnel.peerAddress, tunnel.peerPort), 'code'),
    cell(tunnel.peerHostName || '–'),
    cell(tunnel.peerVendorName || '–'),
    cell(l2tp(tunnel)),
    cell(tunnel.state),
    cell(tunnel.originator ? 'this box' : 'the peer'),
    cell(duration(tunnel.since)),
    cell(`${tunnel.tunnelId} / ${tunnel.peerTunnelId}`, 'number'),
    cell(String(tunnel.sessions), 'number'),
  ];
}

function pseudowireState({ state, redialAt, since }) {
  if (state === 'waiting') return redialAt ? `waiting ${until(redialAt)}` : 'waiting';
  return state === 'up' ? `up for ${duration(since)}` : state;
}

/** The state, and below it what is wrong. */
function pseudowireStateCell(wire) {
  const td = cell(pseudowireState(wire), 'detail');
  if (wire.lastError) {
    const because = document.createElement('div');
    because.className = 'faint';
    because.textContent = wire.lastError;
    td.append(because);
  }
  return td;
}

/** Whom it is with, or is to be; nobody in particular is "any". */
function pseudowirePeer({ peer, peerAddress, encapsulation }) {
  if (!peerAddress) return peer || 'any';
  return `${peerAddress}, ${TRANSPORTS[encapsulation]}`;
}

function pseudowireCells(wire) {
  const { counters } = wire;
  return [
    cell(wire.remoteEndId ? `${wire.name} (${wire.remoteEndId})` : wire.name),
    pseudowireStateCell(wire),
    cell(pseudowirePeer(wire), 'code'),
    cell(`${wire.type === 'vlan' ? `VLAN ${wire.vlanId}` : 'Ethernet'}, ${wire.mode}`),
    cell(wire.bridge ? `${wire.tapInterface} in ${wire.bridge}` : wire.tapInterface, 'code'),
    cell(`${octets(counters.receivedOctets)} / ${counters.receivedPackets}`, 'number'),
    cell(`${octets(counters.sentOctets)} / ${counters.sentPackets}`, 'number'),
  ];
}

const counted = (counts) =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

function showPppoe(pppoe) {
  byId('pppoe-section').hidden = !pppoe.enabled;
  fillTable(
    byId('pppoe'),
    pppoe.interfaces,
    (port) => port.name,
    (port) => [
      cell(port.name, 'code'),
      cell(port.isServed ? 'answers calls' : 'not there'),
      cell(port.mac || '–', 'code'),
      cell(port.mtu_bytes ? String(port.mtu_bytes) : '–', 'number'),
      cell(String(port.sessions), 'number'),
    ],
  );
  const dropped = counted(pppoe.drops);
  const failed = pppoe.failedLnses.map(({ server, until: time }) => `${server} ${until(time)}`).join(', ');
  byId('pppoe-words').textContent = [
    `Received: ${counted(pppoe.received) || 'nothing'}.`,
    `Sent: ${counted(pppoe.sent) || 'nothing'}.`,
    dropped && `Dropped: ${dropped}.`,
    failed && `LNSes that have failed and are asked after all others: ${failed}.`,
  ]
    .filter(Boolean)
    .join(' ');
}

function showRadius({ servers, strangers, accounting, dynamicAuthorization }) {
  byId('radius-section').hidden = servers.length === 0 && !dynamicAuthorization;
  fillTable(
    byId('radius'),
    servers,
    (server) => `${server.service} ${server.address} ${server.port}`,
    (server) => [
      cell(endpoint(server.address, server.port), 'code'),
      cell(server.service),
      cell(`${server.state} for ${duration(server.since)}`),
      cell(String(server.requests), 'number'),
      cell(String(server.replies), 'number'),
      cell(String(server.noReplies), 'number'),
      cell(counted(server.drops) || '–', 'detail'),
    ],
  );
  const changes = dynamicAuthorization;
  byId('radius-words').textContent = [
    strangers && `${strangers} datagrams came from none of the servers.`,
    accounting.waiting && `${accounting.waiting} accounting records wait for a server.`,
    accounting.givenUp && `${accounting.givenUp} were given up, since too many waited.`,
    changes && `Disconnect and CoA on port ${changes.port}: ${changes.acknowledged} done, ${changes.refused} refused.`,
    changes && counted(changes.drops) && `Not taken: ${counted(changes.drops)}.`,
  ]
    .filter(Boolean)
    .join(' ');
}

function memoryWords({ perSession_bytes, sessionsThatFit }) {
  return `${octets(perSession_bytes)} a session, room for ${sessionsThatFit} sessions`;
}

function showStatus(status) {
  byId('host-name').textContent = status.hostName;
  document.title = `${status.sessions} sessions · ${status.hostName}`;
  const dropped = Object.values(status.drops).reduce((sum, count) => sum + count, 0);
  const reasons = Object.entries(status.drops).filter(([, count]) => count > 0);
  const lns = status.lns.enabled ? (status.lns.listening ? 'answers calls' : 'not listening') : 'off';
  const lac = status.lac.enabled ? (status.lac.listening ? 'answers calls' : 'not listening') : 'off';
  const figures = [
    ['LNS', lns],
    ['LAC', lac],
    ['Sessions', status.sessions, status.sessions > SESSIONS_SHOWN ? `the first ${SESSIONS_SHOWN} are below` : ''],
    ['Memory', octets(status.memory.resident_bytes), memoryWords(status.memory)],
    ['Tunnels', status.tunnels],
    ['Packets dropped', dropped, reasons.map(([reason, count]) => `${reason} ${count}`).join(', ')],
    ['Running for', duration(status.startedAt)],
    ['Version', status.version],
  ];
  byId('figures').replaceChildren(
    ...figures.map(([name, value, reasons = '']) => {
      const box = document.createElement('div');
      const term = document.createElement('dt');
      const description = document.createElement('dd');
      term.textContent = name;
      description.textContent = String(value);
      box.append(term, description);
      if (reasons !== '') {
        const because = document.createElement('dd');
        because.className = 'because';
        because.textContent = reasons;
        box.append(because);
      }
      return box;
    }),
  );
  byId('problems').hidden = status.problems.length === 0;
  byId('problems').replaceChildren(
    ...status.problems.map(({ what, advice }) => {
      const item = document.createElement('li');
      const fault = document.createElement('strong');
      fault.textContent = what;
      item.append(fault, document.createElement('br'), advice);
      return item;
    }),
  );
  byId('profiles-section').hidden = status.lacClients.length === 0;
  fillTable(
    byId('profiles'),
    status.lacClients,
    (profile) => profile.name,
    (profile) => [
      cell(profile.name),
      cell(profile.server, 'code'),
      cell(profile.redialAt ? `${profile.state} ${until(profile.redialAt)}` : profile.state),
      cell(profile.lastError || '–', 'detail'),
    ],
  );
}

function sayConnection(text, isLost) {
  byId('connection').textContent = text;
  byId('connection').classList.toggle('lost', isLost);
}

async function getJson(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`answer ${response.status}`);
  return response.json();
}

async function refresh() {
  const [status, sessions, tunnels, pseudowires, pppoe, radius] = await Promise.all(
    ['status', `sessions?limit=${SESSIONS_SHOWN}`, 'tunnels', 'pseudowires', 'pppoe', 'radius'].map((resource) =>
      getJson(`/api/v1/${resource}`),
    ),
  );
  showStatus(status);
  fillTable(byId('sessions'), sessions, (session) => `${session.sessionId} ${session.peerSessionId}`, sessionCells);
  fillTable(byId('tunnels'), tunnels, (tunnel) => `${tunnel.tunnelId} ${tunnel.peerTunnelId}`, tunnelCells);
  byId('pseudowires-section').hidden = pseudowires.length === 0;
  fillTable(byId('pseudowires'), pseudowires, (wire) => wire.name, pseudowireCells);
  showPppoe(pppoe);
  showRadius(radius);
  sayConnection(`live, ${new Date().toLocaleTimeString()}`, false);
}

async function keepRefreshing() {
  try {
    if (!document.hidden) await refresh();
  } catch {
    sayConnection('no answer from the box; trying again', true);
  }
  setTimeout(keepRefreshing, POLL_INTERVAL_MS);
}

const clockTime = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hour12: false,
});

const ARROWS = { sent: '→', received: '←', within: '·' };
/** They come for ever, and would push the steps of calls out of the list. */
const KEEP_ALIVE = new Set(['HELLO', 'LCP Echo-Request', 'LCP Echo-Reply']);

/** A sign for the eye, and a word for who has it read aloud. */
function directionCell(direction) {
  const sign = document.createElement('span');
  sign.setAttribute('aria-hidden', 'true');
  sign.textContent = ARROWS[direction];
  const word = document.createElement('span');
  word.className = 'unseen';
  word.textContent = direction;
  const td = cell(sign, 'faint');
  td.append(word);
  td.title = direction;
  return td;
}

function traceRow(record) {
  const row = document.createElement('tr');
  row.append(
    cell(clockTime.format(new Date(record.time)), 'code faint'),
    cell(record.step === 0 ? '' : String(record.step), 'number'),
    cell([record.user, record.sessionId ? `#${record.sessionId}` : record.peerAddress].filter(Boolean).join(' ')),
    directionCell(record.direction),
    cell(record.what),
    cell(record.detail, 'code detail faint'),
  );
  return row;
}

/** Newest first. Records of one moment are put in together: a storm of calls must not stall the page. */
function followTrace() {
  const body = byId('trace');
  let waiting = [];
  const show = () => {
    const rows = waiting.slice(-TRACE_ROWS).reverse().map(traceRow);
    waiting = [];
    body.prepend(...rows);
    while (body.rows.length > TRACE_ROWS) body.lastElementChild.remove();
    showNothing(body);
  };
  // EventSource comes again by itself after a loss, and names the last record that it got.
  new EventSource('/api/v1/trace/stream?last=1000').addEventListener('message', ({ data }) => {
    const record = JSON.parse(data);
    if (KEEP_ALIVE.has(record.what)) return;
    if (waiting.push(record) === 1) requestAnimationFrame(show);
    // A page that nobody looks at is not painted, and what waits would grow for days.
    if (waiting.length > 2 * TRACE_ROWS) waiting = waiting.slice(-TRACE_ROWS);
  });
  showNothing(body);
}

keepRefreshing();
followTrace();
