/**
 * Addresses and the MQTT topics they stand for, as the browser needs them.
 *
 * Pure. The rules are the gateway's (docs/design.md, Addresses and topics); nothing is validated
 * here beyond what is needed to translate, because the credential API alone decides what a client
 * may receive.
 */

const ADDRESS = /^(?:everyone$|(?:client|user|group):.)/s

/**
 * @param {string} address Such as `user:42`, `group:orders/eu`, `everyone`. `group:orders/*`, the
 *   subtree, becomes a topic filter.
 * @param {string} namespace
 * @returns {string} The topic.
 * @throws {TypeError} If it is no address.
 */
export function topicOf(address, namespace) {
  if (!ADDRESS.test(address))
    throw new TypeError(`"${address}" is no address: client:…, user:…, group:… or everyone`)
  return `${namespace}/${address.replace(':', '/').replace(/\/\*$/, '/#')}`
}

/**
 * @param {string} topic Topic or topic filter.
 * @param {string} namespace
 * @returns {string | null} The address, or null for a topic that stands for none.
 */
export function addressOf(topic, namespace) {
  if (!topic.startsWith(`${namespace}/`)) return null
  const rest = topic.slice(namespace.length + 1)
  if (!/^(?:everyone$|(?:client|user|group)\/.)/s.test(rest)) return null
  return rest.replace('/', ':').replace(/([:/])#$/, '$1*')
}

/**
 * Whether a topic filter covers a topic or a narrower filter. By IoT Core's rule `a/#` does not
 * cover `a` itself; `+` is in no grant.
 *
 * @param {string} filter
 * @param {string} topic
 */
export function covers(filter, topic) {
  return filter.endsWith('/#') ? topic.startsWith(filter.slice(0, -1)) : filter === topic
}
