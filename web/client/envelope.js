/**
 * What arrived: a CloudEvents envelope, or somebody else's payload untouched.
 *
 * Pure; bytes in, frozen values out. Text is only ever text: nothing here builds HTML.
 * Source: CloudEvents 1.0 JSON format; docs/design.md, Event API.
 */

import { addressOf } from './topic.js'

/**
 * @typedef {Readonly<{id: string, source: string, type: string, time: Date | null, data: unknown,
 *   subject: string | null, address: string | null, topic: string,
 *   attributes: Readonly<Record<string, unknown>>}>} PushEvent
 *   time: when the gateway took it; attributes: the whole envelope as it came.
 * @typedef {Readonly<{topic: string, address: string | null, bytes: Uint8Array,
 *   text: string | null}>} ForeignMessage
 *   text: the payload as UTF-8, null if it is none.
 * @typedef {{kind: 'event', event: PushEvent} | {kind: 'message', message: ForeignMessage}} Arrival
 */

/**
 * @param {string} topic
 * @param {Uint8Array} bytes
 * @param {string} namespace
 * @returns {Arrival}
 */
export function readArrival(topic, bytes, namespace) {
  const text = utf8(bytes)
  const address = addressOf(topic, namespace)
  const envelope = text === null ? null : envelopeIn(text)
  if (envelope === null) {
    return { kind: 'message', message: Object.freeze({ topic, address, bytes, text }) }
  }
  return { kind: 'event', event: eventOf(envelope, topic, address) }
}

/**
 * @param {{id: string, source: string, type: string, time: Date, data: unknown}} event
 * @returns {Uint8Array} As the gateway writes it.
 * @throws {TypeError} If data is not JSON.
 */
export function envelopeBytes({ data = null, ...event }) {
  return new TextEncoder().encode(JSON.stringify({ specversion: '1.0', ...event, data }))
}

/**
 * @param {Record<string, unknown>} envelope
 * @param {string} topic
 * @param {string | null} address
 * @returns {PushEvent}
 */
function eventOf(envelope, topic, address) {
  const { id, source, type, time, subject, data } = envelope
  return Object.freeze({
    id: String(id),
    source: String(source),
    type: String(type),
    time: instant(time),
    data: data ?? null,
    subject: typeof subject === 'string' ? subject : null,
    address,
    topic,
    attributes: Object.freeze(envelope)
  })
}

/**
 * @param {string} text
 * @returns {Record<string, unknown> | null} The envelope, or null if the text is none.
 */
function envelopeIn(text) {
  // Most foreign payloads are not objects; spare them the parser and its exception.
  if (!/^\s*\{/.test(text)) return null
  try {
    const value = JSON.parse(text)
    const named = [value.id, value.source, value.type].every(
      (it) => typeof it === 'string' && it !== ''
    )
    return value.specversion === '1.0' && named ? value : null
  } catch {
    return null
  }
}

/** @param {unknown} time */
function instant(time) {
  if (typeof time !== 'string') return null
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? null : date
}

/** @param {Uint8Array} bytes */
function utf8(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}
