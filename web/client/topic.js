/**
 * Addresses and the MQTT topics they stand for, as the browser needs them.
 *
 * Pure. The rules are the gateway's (docs/design.md, Addresses and topics); nothing is validated
 * here beyond what is needed to translate, because the credential API alone decides what a client
 * may receive.
 */

const KINDS = new Set(['client', 'user', 'group'])

/**
 * @param {string} address Such as `user:42`, `group:orders/eu`, `everyone`.
 * @param {string} namespace
 * @returns {string} The topic.
 * @throws {TypeError} If it is no address.
 */
export function topicOf(address, namespace) {
  if (address === 'everyone') return `${namespace}/everyone`
  const [kind, name] = split(address, ':')
  if (!KINDS.has(kind) || name === '') {
    throw new TypeError(`"${address}" is no address: client:…, user:…, group:… or everyone`)
  }
  return `${namespace}/${kind}/${name}`
}

/**
 * @param {string} topic Topic or topic filter.
 * @param {string} namespace
 * @returns {string | null} The address, or null for a topic that stands for none. A filter ending
 *   in `/#` becomes `…/*`, as grants write it.
 */
export function addressOf(topic, namespace) {
  const prefix = `${namespace}/`
  if (!topic.startsWith(prefix)) return null
  const rest = topic.slice(prefix.length)
  if (rest === 'everyone') return rest
  const [kind, name] = split(rest, '/')
  if (!KINDS.has(kind) || name === '') return null
  return `${kind}:${name.replace(/(^|\/)#$/, '$1*')}`
}

/**
 * Whether a topic filter covers a topic, by IoT Core's rule: `a/#` does not cover `a` itself.
 *
 * @param {string} filter
 * @param {string} topic
 */
export function covers(filter, topic) {
  const levels = topic.split('/')
  const wanted = filter.split('/')
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return levels.length > index
    if (index >= levels.length) return false
    if (level !== '+' && level !== levels[index]) return false
  }
  return levels.length === wanted.length
}

/**
 * @param {string} text
 * @param {string} separator
 * @returns {[string, string]}
 */
function split(text, separator) {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
