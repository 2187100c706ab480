/**
 * What the delivery checker knows of one end of a tunnel, and of which packets that end may take for what they say. Must
 * not judge what it does.
 */

/** One end of a tunnel, from the moment when its ID exists. Sequence numbers of a simulated tunnel never wrap. */
export interface TunnelEnd {
  readonly name: string;
  readonly tunnelId: number;
  /** By Ns: what was put on the wire, how often, and when last. */
  readonly sent: { messageType: string; body: Uint8Array; transmissions: number; last_ms: number }[];
  /** The highest Nr that was handed over: what is below is acknowledged. */
  acknowledged: number;
  /** The least Nr that has to go out before the turn is over. */
  owesNr: number;
  /** When the role was told of the peer's StopCCN. */
  stopped_ms: number | undefined;
  /** The tunnel's ID means nothing any more. */
  isGone: boolean;
  /** A message was sent as often as it may be, and still was not acknowledged. */
  hasGivenUp: boolean;
  lastNr: number;
  /** What the role was told, in order. */
  readonly received: string[];
  /** Ns of all that was handed over, and the first that was not. */
  readonly handed: Set<number>;
  expectedNs: number;
  /** The ends whose messages were handed over: one, but where the peer's box has started anew in between. */
  readonly heard: Set<TunnelEnd>;
  /** A corrupted packet may have said anything in the name of its peer. */
  isTainted: boolean;
  /** As all its messages are from the answer to the SCCRQ on (RFC 3931 section 4.7.3). */
  version: 2 | 3 | undefined;
  /** RFC 3931 section 4.3: all its messages have a digest, and what comes with a wrong one or none is nothing. */
  isAuthenticated: boolean;
  /** Whose digests are right. */
  peer: TunnelEnd | undefined;
  /** The tunnel will be of version 3, by the peer's SCCRQ. */
  answersBySccrp: boolean;
}

/** A control packet that is handed over. */
export interface Come {
  sender: TunnelEnd | undefined;
  version: 2 | 3;
  ns: number;
  hasDigest: boolean;
  corrupted: boolean;
}

export function newEnd(name: string, tunnelId: number, isTainted: boolean): TunnelEnd {
  return {
    name,
    tunnelId,
    sent: [],
    acknowledged: 0,
    owesNr: 0,
    stopped_ms: undefined,
    isGone: false,
    hasGivenUp: false,
    lastNr: 0,
    received: [],
    handed: new Set(),
    expectedNs: 0,
    heard: new Set(),
    isTainted,
    version: undefined,
    isAuthenticated: false,
    peer: undefined,
    answersBySccrp: false,
  };
}

/**
 * Whether the machine may take a packet for what it says. Once the version is decided, that of the other is none of its
 * peer's, but for the SCCRQ of both versions. Once there is a secret, only what its peer has sent, as that has sent it;
 * before the peer's nonce is known, that is the SCCRP, or the StopCCN of one that has no secret.
 */
export function isHeeded(end: TunnelEnd, { sender, version, ns, hasDigest, corrupted }: Come): boolean {
  const decided = end.version ?? (end.answersBySccrp ? 3 : version);
  const messageType = sender?.sent[ns]?.messageType;
  if (version !== decided && messageType !== 'SCCRQ') return false;
  if (!end.isAuthenticated) return !hasDigest || !lacksKey(end) || messageType === 'SCCRQ' || messageType === 'SCCRP';
  if (corrupted) return false;
  if (end.peer !== undefined) return sender === undefined || (sender === end.peer && hasDigest);
  const isReply = messageType === 'SCCRP' && hasDigest;
  if (isReply && !hasClosed(end)) end.peer = sender;
  return isReply || (messageType === 'StopCCN' && !hasDigest);
}

/** Who was asked for a tunnel has no secret, or not yet; who gave up before there was an SCCRP lacks the peer's nonce. */
function lacksKey(end: TunnelEnd): boolean {
  return end.answersBySccrp || (end.version === undefined && hasClosed(end));
}

function hasClosed({ sent }: TunnelEnd): boolean {
  return sent.some(({ messageType }) => messageType === 'StopCCN');
}

/** A corrupted packet that the end may take for what it says, the StopCCN of one that has no secret included. */
export function mayDeceive(end: TunnelEnd, { hasDigest }: Come): boolean {
  return !end.isAuthenticated || (end.peer === undefined && !hasDigest);
}

export function noteAcknowledged(end: TunnelEnd, nr: number): void {
  if (nr <= end.sent.length) end.acknowledged = Math.max(end.acknowledged, nr);
}

export function noteHanded(end: TunnelEnd, sender: TunnelEnd, ns: number): void {
  end.heard.add(sender);
  end.handed.add(ns);
  while (end.handed.has(end.expectedNs)) end.expectedNs++;
  if (ns < end.expectedNs) end.owesNr = Math.max(end.owesNr, ns + 1);
}
