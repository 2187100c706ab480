/** The numbers by which both ends of a call know it, out of the lines of its ICRQ and ICRP. Pure. */
import type { CallStepRecord } from '../view.js';
import { fieldsOf } from './detail.js';

export interface RequestNumbers {
  /** The LAC's Session ID, in its ICRQ. */
  assignedSessionId: number;
  callSerialNumber: number;
  /** The LNS's Session ID, in its ICRP; undefined as long as there was none. */
  repliedSessionId?: number;
}

/** Of the last ICRQ of a call's lines, as there is one for each LNS that was tried; undefined when there was none. */
export function requestNumbers(isLns: boolean, records: readonly CallStepRecord[]): RequestNumbers | undefined {
  const direction = isLns ? 'received' : 'sent';
  const request = records.findLast((record) => record.what === 'ICRQ' && record.direction === direction);
  if (request === undefined) return undefined;
  const reply = records.findLast(({ what, sessionId }) => what === 'ICRP' && sessionId === request.sessionId);
  const replied = reply && { repliedSessionId: sessionIdIn(reply) };
  return { ...numbersIn(request), ...replied };
}

/** Of an ICRQ's line alone. */
export function numbersIn(request: CallStepRecord): RequestNumbers {
  return { assignedSessionId: sessionIdIn(request), callSerialNumber: serialNumberIn(request) };
}

/** Whether this line is of the ICRQ with these numbers. */
export function isRequestOf(record: CallStepRecord, numbers: RequestNumbers): boolean {
  return sessionIdIn(record) === numbers.assignedSessionId && serialNumberIn(record) === numbers.callSerialNumber;
}

/** The Session ID that the sender gives the call: in version 3 it is the Local Session ID. NaN without one. */
export function sessionIdIn({ detail }: CallStepRecord): number {
  const { assignedSessionId, localSessionId } = fieldsOf(detail);
  return Number(assignedSessionId ?? localSessionId);
}

function serialNumberIn({ detail }: CallStepRecord): number {
  const { callSerialNumber, serialNumber } = fieldsOf(detail);
  return Number(callSerialNumber ?? serialNumber);
}
