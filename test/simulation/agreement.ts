/**
 * What must hold when the network has been good for a while: whether every profile is where it has to be, whether both
 * ends of every tunnel and call agree, and whether nothing is left once all is closed.
 */

import type { CallInfo } from '../../firmware/roles/role.js';
import type { Box } from './box.js';
import type { DeliveryChecker } from './delivery-checker.js';
import type { Row } from './packet-path.js';

type Boxes = ReadonlyMap<string, Box>;

/** A call of a LAC client that is up, and its other end. */
export interface CallPair {
  client: CallInfo;
  lns: CallInfo;
}

/** The other end's call, where it knows this one as its own. */
function peerCall(boxes: Boxes, call: CallInfo): CallInfo | undefined {
  for (const theirs of boxes.get(call.path.peerAddress)?.appliance.calls() ?? []) {
    if (theirs.l2tpSessionId !== call.peerSessionId || theirs.peerSessionId !== call.l2tpSessionId) continue;
    return theirs.role === call.role ? undefined : theirs;
  }
  return undefined;
}

/** The profile's call with its other end, where both are up and carry IPv4. */
export function callUp(boxes: Boxes, box: Box, profile: string): CallPair | undefined {
  for (const client of box.appliance.calls()) {
    if (client.profile !== profile) continue;
    const lns = peerCall(boxes, client);
    const peer = boxes.get(client.path.peerAddress);
    if (lns === undefined || peer === undefined || client.state !== 'up' || lns.state !== 'up') return undefined;
    const areOpen =
      box.path.rows.get(client.sessionId)?.ipv4Open === true && peer.path.rows.get(lns.sessionId)?.ipv4Open === true;
    const isShown = box.appliance.profiles().some((status) => status.profile === profile && status.state === 'up');
    return areOpen && isShown ? { client, lns } : undefined;
  }
  return undefined;
}

/** A pseudowire of this name that is up at both boxes, by its rows, with each other's IDs and cookies. */
export function pseudowireUp(box: Box, peer: Box, name: string): { row: Row; peerRow: Row } | undefined {
  const [row, peerRow] = [box, peer].map((at) => {
    for (const wire of at.appliance.pseudowires()) {
      if (wire.name === name && wire.state === 'up' && wire.peerActive) return at.path.rows.get(wire.sessionId);
    }
    return undefined;
  });
  if (row === undefined || peerRow === undefined || !row.ethernetOpen || !peerRow.ethernetOpen) return undefined;
  return isOtherEnd(row, peerRow) && isOtherEnd(peerRow, row) ? { row, peerRow } : undefined;
}

function isOtherEnd(row: Row, peerRow: Row): boolean {
  return (
    row.peerSessionId === peerRow.sessionId &&
    row.peerTunnelId === peerRow.tunnelId &&
    row.path.encapsulation === peerRow.path.encapsulation &&
    row.peerSublayer === peerRow.localSublayer &&
    Buffer.compare(row.peerCookie, peerRow.localCookie) === 0
  );
}

/** What the box has and its peers do not know, or know differently; `isBusy` tells of peers that dial in vain. */
export function disagreements(
  boxes: Boxes,
  box: Box,
  delivery: DeliveryChecker,
  families: readonly ('ipv4Open' | 'ipv6Open')[],
  isBusy: (peer: Box) => boolean,
): string[] {
  const found: string[] = [];
  for (const { status } of box.appliance.tunnels()) {
    const { tunnelId, peerTunnelId, state, path, originator } = status;
    const peer = boxes.get(path.peerAddress);
    if (peer === undefined || isBusy(peer)) continue;
    const what = `tunnel ${tunnelId} of ${box.plan.name}, ${state}`;
    const theirs = peer.appliance.endpoint.tunnel(peerTunnelId);
    if (state !== 'established') found.push(`${what}: not established`);
    else if (theirs === undefined) found.push(`${what}: ${peer.plan.name} has no tunnel ${peerTunnelId}`);
    else if (theirs.peerTunnelId !== tunnelId || theirs.originator === originator)
      found.push(`${what}: ${peer.plan.name} has another tunnel ${peerTunnelId}`);
    else if (theirs.state !== state) found.push(`${what}: ${theirs.state} at ${peer.plan.name}`);
    else if (theirs.version !== status.version || theirs.path.encapsulation !== path.encapsulation)
      found.push(`${what}: version ${status.version} by ${path.encapsulation} here alone`);
    else if (theirs.sessionCount !== status.sessionCount)
      found.push(`${what}: ${status.sessionCount} sessions here, ${theirs.sessionCount} there`);
    else
      for (const message of delivery.undelivered(box, tunnelId, peer, peerTunnelId))
        found.push(`${what}: ${message} has not come to ${peer.plan.name}`);
  }
  for (const call of box.appliance.calls()) {
    const peer = boxes.get(call.path.peerAddress);
    if (peer === undefined || isBusy(peer)) continue;
    const what = `session ${call.l2tpSessionId} of ${box.plan.name}, ${call.state}`;
    const theirs = peerCall(boxes, call);
    if (theirs === undefined) found.push(`${what}: ${peer.plan.name} does not know it`);
    // What a LAC carries it does not look into.
    else if (call.role === 'lac' || theirs.role === 'lac') continue;
    else if (theirs.state !== call.state) found.push(`${what}: ${theirs.state} at ${peer.plan.name}`);
    else {
      const [row, theirRow] = [box.path.rows.get(call.sessionId), peer.path.rows.get(theirs.sessionId)];
      for (const family of families) {
        if (row?.[family] !== theirRow?.[family]) found.push(`${what}: ${family} is ${row?.[family]} here alone`);
      }
    }
  }
  return found;
}

/** What is left of calls and tunnels, when nothing should be. */
export function leftovers(box: Box): string[] {
  const { appliance, path, outside, questions } = box;
  const left: string[] = [];
  for (const { sessionId, state } of appliance.calls()) left.push(`call of session ${sessionId}, ${state}`);
  for (const { tunnelId, state } of appliance.endpoint.tunnels()) left.push(`tunnel ${tunnelId}, ${state}`);
  for (const { status } of appliance.tunnels()) left.push(`tunnel ${status.tunnelId} in the list`);
  for (const tunnelId of path.tunnels.keys()) left.push(`tunnel ${tunnelId} in the packet path`);
  for (const sessionId of path.rows.keys()) left.push(`row of session ${sessionId}`);
  for (const callId of outside.pool.holders()) left.push(`lease of call ${callId}`);
  for (const { profile, state } of appliance.profiles()) left.push(`${profile}, ${state}`);
  for (const { name, state } of appliance.pseudowires()) left.push(`${name}, ${state}`);
  if (questions > 0) left.push(`${questions} questions`);
  const due_ms = appliance.endpoint.pollTimeout();
  if (due_ms !== undefined) left.push(`a deadline of the endpoint, ${due_ms}`);
  return left.map((what) => `${box.plan.name}: ${what}`);
}
