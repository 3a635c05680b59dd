/**
 * Notices and acknowledgements as text on a channel, and back.
 *
 * `<MAC> <notice id> <gateway id> [<topic ARN>]`: Redis is not trusted, and whoever can write to it can publish.
 * The two have different kinds of MAC, so that neither passes as the other. A notice's id is random and new, so
 * a replayed acknowledgement is one of a change that nobody waits for. A replayed notice costs its readers one read.
 * Length and form are checked before the MAC is computed. Pure.
 */

import { RecordForgedError, type RecordMac } from '#shared/record-mac'

export interface Notice {
  /** 32 hex digits. */
  noticeId: string
  /** Of the gateway that tells, which gets the acknowledgements. */
  gatewayId: string
  topicArn: string
}

export interface Acknowledgement {
  noticeId: string
  /** Of the gateway that acknowledges. */
  gatewayId: string
}

/** Longer than any notice of ours: a MAC of 52, two ids of 32, an ARN of a topic name of 256. */
const MAX_LENGTH = 1024

const NOTICE = /^(\S+) ([0-9a-f]{32}) ([0-9a-f]{32}) (arn:[^\s{}]+)$/
const ACKNOWLEDGEMENT = /^(\S+) ([0-9a-f]{32}) ([0-9a-f]{32})$/

export function encodeNotice({ noticeId, gatewayId, topicArn }: Notice, recordMac: RecordMac): string {
  const fields = [noticeId, gatewayId, topicArn]
  return [recordMac.authenticate('change-notice', fields), ...fields].join(' ')
}

/** @throws {RecordForgedError} */
export function decodeNotice(text: string, recordMac: RecordMac): Notice {
  const [mac, noticeId, gatewayId, topicArn] = partsOf(text, NOTICE)
  recordMac.verify('change-notice', [noticeId, gatewayId, topicArn], mac)
  return { noticeId, gatewayId, topicArn }
}

export function encodeAcknowledgement({ noticeId, gatewayId }: Acknowledgement, recordMac: RecordMac): string {
  const fields = [noticeId, gatewayId]
  return [recordMac.authenticate('change-ack', fields), ...fields].join(' ')
}

/** @throws {RecordForgedError} */
export function decodeAcknowledgement(text: string, recordMac: RecordMac): Acknowledgement {
  const [mac, noticeId, gatewayId] = partsOf(text, ACKNOWLEDGEMENT)
  recordMac.verify('change-ack', [noticeId, gatewayId], mac)
  return { noticeId, gatewayId }
}

function partsOf(text: string, form: RegExp): [string, string, string, string] {
  const found = text.length <= MAX_LENGTH ? form.exec(text) : null
  if (found === null) throw new RecordForgedError('Cannot trust a message on a channel: it has not the form of ours')
  const [, mac = '', noticeId = '', gatewayId = '', topicArn = ''] = found
  return [mac, noticeId, gatewayId, topicArn]
}
