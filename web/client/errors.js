/**
 * Every way this client can fail, each a class of its own.
 *
 * Owns the classes and which of them are worth another attempt. Does not decide when to try again:
 * that is machine.js. Wrong use of the library (a missing option, an unknown event name) is a plain
 * TypeError thrown at the call, not one of these.
 *
 *     PushError
 *     ├── TokenUnavailable        getToken failed or gave no token             again
 *     ├── TokenRefused            401: the reason is the server's              once, if expired
 *     ├── GrantRefused            403: the token is good, what it asks is not  never
 *     ├── Throttled               429: not before retryAfterMs                 again
 *     ├── CredentialsUnavailable  the credential API failed or spoke nonsense  again
 *     ├── NetworkUnavailable      no answer at all                             again
 *     ├── TimedOut                an attempt, or a publish, took too long      again
 *     ├── ClockSkewed             this clock is wrong; corrected, only told    (told)
 *     ├── ConnectionRefused       the socket closed before MQTT was accepted   again
 *     ├── NotAuthorized           the broker refused CONNECT                   again, thrice
 *     ├── ConnectionLost          it closed afterwards                         again
 *     ├── TakenOver               another connection has this client id        never
 *     ├── Kicked                  the server ended it by name                  never
 *     ├── ProtocolViolation       bytes that are not MQTT                      again
 *     ├── ForbiddenTopic          the broker refused one topic of the grant    without it
 *     ├── SubscribeRefused        the broker refused all of them               never
 *     ├── ForbiddenAddress        beyond the grant; never sent to the broker   never
 *     ├── PublishFailed           what was published is not known to be there  (to publish only)
 *     └── StreamOverflow          an iteration fell too far behind             (to it only)
 *
 * Source: RFC 9457 for the problem fields; docs/design.md, Credential API; MQTT 5.0, 2.4.
 */

/** Root of all errors that reach the `error` event. */
export class PushError extends Error {
  /** Whether the client goes on by itself. */
  retry

  /**
   * @param {string} code Fixed lower-case word for programs, such as `token_refused`. The name and
   *   the message begin with it.
   * @param {string} detail For people.
   * @param {boolean} [retry] Whether another attempt can help.
   * @param {unknown} [cause] What led here.
   */
  constructor(code, detail, retry = true, cause) {
    const words = code.replace(/^./, upper).replaceAll('_', ' ')
    super(`${words}: ${detail}`, cause ? { cause } : undefined)
    // Not the constructor's name: minifying changes it.
    this.name = words.replace(/ (.)/g, (_, letter) => upper(letter))
    this.code = code
    this.retry = retry
  }
}

/** @param {string} letter */
const upper = (letter) => letter.toUpperCase()

/** `getToken` threw, the token URL failed, or what came is not a token. */
export class TokenUnavailable extends PushError {
  /** @param {string} detail @param {unknown} [cause] */
  constructor(detail, cause) {
    super('token_unavailable', detail, true, cause)
  }
}

/** The credential API answered 401. `reason` is the server's word, such as `expired`. */
export class TokenRefused extends PushError {
  /** @param {string} reason @param {string} detail */
  constructor(reason, detail) {
    super('token_refused', detail || reason, reason === 'expired')
    this.reason = reason
  }
}

/** The credential API answered 403: no credentials for this grant. */
export class GrantRefused extends PushError {
  /** @param {string} reason @param {string} detail */
  constructor(reason, detail) {
    super('grant_refused', detail || reason, false)
    this.reason = reason
  }
}

/** The credential API answered 429, or the broker that a quota or rate is used up. */
export class Throttled extends PushError {
  /** @param {number} retryAfterMs */
  constructor(retryAfterMs) {
    super('throttled', `next attempt in ${retryAfterMs} ms`)
    this.retryAfterMs = retryAfterMs
  }
}

/** The credential API answered something else than credentials. */
export class CredentialsUnavailable extends PushError {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super('credentials_unavailable', `HTTP ${status}, ${detail}`)
    this.status = status
  }
}

/** No HTTP answer: offline, DNS, TLS, or a CORS refusal (browsers do not tell these apart). */
export class NetworkUnavailable extends PushError {
  /** @param {unknown} [cause] */
  constructor(cause) {
    super('network_unavailable', 'no answer from the credential API', true, cause)
  }
}

/** Token, credentials, connection and subscriptions together took longer than allowed. */
export class TimedOut extends PushError {
  /** @param {string} phase What it was busy with. @param {number} afterMs */
  constructor(phase, afterMs) {
    super('timed_out', `${afterMs} ms while ${phase}`)
    this.phase = phase
  }
}

/**
 * This machine's clock differs from the server's. Signatures and expiries are corrected by it, so
 * nothing fails; but the page's own dates, and tokens it makes, are off.
 */
export class ClockSkewed extends PushError {
  /** @param {number} skewMs Positive if this clock is behind. */
  constructor(skewMs) {
    super('clock_skewed', `${Math.round(skewMs / 1000)} s behind; corrected`)
    this.skewMs = skewMs
  }
}

/**
 * The connection ended before MQTT was accepted.
 *
 * A browser is not told the status of a failed WebSocket handshake, so a stale URL, a refused
 * policy and a dead network look alike here; fresh credentials are the answer to all three.
 */
export class ConnectionRefused extends PushError {
  /** @param {string} detail @param {number} [connackCode] */
  constructor(detail, connackCode) {
    super('connection_refused', detail)
    this.connackCode = connackCode
  }
}

/** The broker refused CONNECT: these credentials may not connect as this client id. */
export class NotAuthorized extends PushError {
  constructor() {
    super('not_authorized', 'the broker refuses these credentials')
  }
}

/** An accepted connection ended without our asking. */
export class ConnectionLost extends PushError {
  /**
   * @param {string} detail
   * @param {number} [closeCode] WebSocket close code, if there was one.
   * @param {number} [reasonCode] Of MQTT 5's DISCONNECT, if there was one.
   */
  constructor(detail, closeCode, reasonCode) {
    super('connection_lost', detail)
    this.closeCode = closeCode
    this.reasonCode = reasonCode
  }
}

/**
 * Another connection came with this client id. Final, or the two would throw each other out for
 * ever. MQTT 5 only: 3.1.1 closes without saying why.
 */
export class TakenOver extends PushError {
  constructor() {
    super('taken_over', 'another connection has this client id', false)
  }
}

/** The server ended this connection by name (`DELETE /v1/clients/{id}`). MQTT 5 only. */
export class Kicked extends PushError {
  constructor() {
    super('kicked', 'the server ended this connection', false)
  }
}

/** The peer sent bytes that MQTT does not allow. */
export class ProtocolViolation extends PushError {
  /** @param {string} detail @param {unknown} [cause] */
  constructor(detail, cause) {
    super('protocol_violation', detail, true, cause)
  }
}

/** The broker refused a topic that the credential API listed; the client goes on without it. */
export class ForbiddenTopic extends PushError {
  /** @param {string} topic */
  constructor(topic) {
    super('forbidden_topic', `${topic}; going on without it`, false)
    this.topic = topic
  }
}

/** The broker refused all that the credential API listed; trying again cannot help. */
export class SubscribeRefused extends PushError {
  /** @param {readonly string[]} topics */
  constructor(topics) {
    super('subscribe_refused', topics.join(', '), false)
    this.topics = topics
  }
}

/** A listener or a publish for an address outside the grant. It was never sent to the broker. */
export class ForbiddenAddress extends PushError {
  /**
   * @param {string} address
   * @param {readonly string[]} granted Topic filters of the grant.
   * @param {'receive'|'publish'} verb
   */
  constructor(address, granted, verb) {
    super('forbidden_address', `no right to ${verb} ${address}`, false)
    this.address = address
    this.granted = granted
  }
}

/** A publish the broker refused, or that was given up. `reason` says which. */
export class PublishFailed extends PushError {
  /**
   * @param {'refused'|'closed'|'full'|'too_large'} reason
   * @param {number} [reasonCode] Of MQTT 5's PUBACK.
   */
  constructor(reason, reasonCode) {
    super('publish_failed', reason, reason === 'full')
    this.reason = reason
    this.reasonCode = reasonCode
  }
}

/** An iteration that reads slower than events come; it ends rather than lose some silently. */
export class StreamOverflow extends PushError {
  /** @param {number} limit */
  constructor(limit) {
    super('stream_overflow', `more than ${limit} events wait to be read`, false)
    this.limit = limit
  }
}
