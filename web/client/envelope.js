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
 * @typedef {{name: 'event', value: PushEvent, identity: string}
 *   | {name: 'message', value: ForeignMessage, identity: null}} Arrival
 *   identity: what makes two events the same; a foreign message has none.
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
  const attributes = envelopeIn(text ?? '')
  if (attributes === null)
    return { name: 'message', value: Object.freeze({ topic, address, bytes, text }), identity: null }
  const { id, source, type, subject, data = null } = attributes
  const time = new Date(String(attributes.time))
  const value = Object.freeze({
    id,
    source,
    type,
    time: Number.isNaN(Number(time)) ? null : time,
    data,
    subject: typeof subject === 'string' ? subject : null,
    address,
    topic,
    attributes: Object.freeze(attributes)
  })
  return { name: 'event', value, identity: `${source}\n${id}` }
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
 * @param {string} text
 * @returns {any} The envelope, its names checked; null if the text is none.
 */
function envelopeIn(text) {
  try {
    const value = JSON.parse(text)
    const named = [value.id, value.source, value.type].every((it) => it && typeof it === 'string')
    return named && value.specversion === '1.0' ? value : null
  } catch {
    return null
  }
}

/** @param {Uint8Array} bytes */
function utf8(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}
