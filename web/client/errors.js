/**
 * Every way this client can fail, each a class of its own.
 *
 * Owns the classes and which of them are worth another attempt. Does not decide when to try again:
 * that is machine.js. Wrong use of the library (a missing option, an unknown event name) is a plain
 * TypeError thrown at the call, not one of these.
 *
 *     PushError
 *     ├── TokenUnavailable        getToken failed or gave no token             again
 *     ├── TokenRefused            401: the reason is the server's              again once if expired
 *     ├── GrantRefused            403: the token is good, what it asks is not  never
 *     ├── Throttled               429: not before retryAfterMs                 again
 *     ├── CredentialsUnavailable  the credential API failed or spoke nonsense  again
 *     ├── NetworkUnavailable      no answer at all                             again
 *     ├── TimedOut                an attempt took too long                     again
 *     ├── ConnectionRefused       the socket closed before MQTT was accepted   again
 *     ├── ConnectionLost          it closed afterwards                         again
 *     ├── ProtocolViolation       bytes that are not MQTT                      again
 *     ├── SubscribeRefused        the broker refused a topic of the grant      never
 *     └── ForbiddenAddress        a listener for what the grant does not hold  never
 *
 * Source: RFC 9457 for the problem fields; docs/design.md, Credential API.
 */

/** Root of all errors that reach the `error` event. */
export class PushError extends Error {
  /**
   * @param {string} code Fixed lower-case word for programs, such as `token_refused`.
   * @param {string} message One sentence for people.
   * @param {{retry: boolean, cause?: unknown}} facts Whether another attempt can help; what led here.
   */
  constructor(code, message, { retry, cause }) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.code = code
    this.retry = retry
  }
}

/** `getToken` threw, the token URL failed, or what came is not a token. */
export class TokenUnavailable extends PushError {
  /** @param {string} detail @param {unknown} [cause] */
  constructor(detail, cause) {
    super('token_unavailable', `No token to connect with: ${detail}.`, { retry: true, cause })
  }
}

/** The credential API answered 401. `reason` is the server's word, such as `expired`. */
export class TokenRefused extends PushError {
  /** @param {string} reason @param {string} detail */
  constructor(reason, detail) {
    super('token_refused', detail || `The token was refused: ${reason}.`, { retry: false })
    this.reason = reason
  }
}

/** The credential API answered 403: no credentials for this grant. */
export class GrantRefused extends PushError {
  /** @param {string} reason @param {string} detail */
  constructor(reason, detail) {
    super('grant_refused', detail || `The grant was refused: ${reason}.`, { retry: false })
    this.reason = reason
  }
}

/** The credential API answered 429. */
export class Throttled extends PushError {
  /** @param {number} retryAfterMs */
  constructor(retryAfterMs) {
    super('throttled', `Too many requests; next attempt in ${retryAfterMs} ms.`, { retry: true })
    this.retryAfterMs = retryAfterMs
  }
}

/** The credential API answered something else than credentials. */
export class CredentialsUnavailable extends PushError {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super('credentials_unavailable', `No credentials (HTTP ${status}): ${detail}`, { retry: true })
    this.status = status
  }
}

/** No HTTP answer: offline, DNS, TLS, or a CORS refusal (browsers do not tell these apart). */
export class NetworkUnavailable extends PushError {
  /** @param {unknown} [cause] */
  constructor(cause) {
    super('network_unavailable', 'The credential API could not be reached.', { retry: true, cause })
  }
}

/** Token, credentials, connection and subscriptions together took longer than allowed. */
export class TimedOut extends PushError {
  /** @param {string} phase @param {number} afterMs */
  constructor(phase, afterMs) {
    super('timed_out', `Gave up after ${afterMs} ms while ${phase}.`, { retry: true })
    this.phase = phase
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
    super('connection_refused', `The connection was not accepted: ${detail}.`, { retry: true })
    this.connackCode = connackCode
  }
}

/** An accepted connection ended without our asking. */
export class ConnectionLost extends PushError {
  /** @param {string} detail @param {number} [closeCode] WebSocket close code, if there was one. */
  constructor(detail, closeCode) {
    super('connection_lost', `The connection was lost: ${detail}.`, { retry: true })
    this.closeCode = closeCode
  }
}

/** The peer sent bytes that MQTT does not allow. */
export class ProtocolViolation extends PushError {
  /** @param {string} detail @param {unknown} [cause] */
  constructor(detail, cause) {
    super('protocol_violation', `The server broke the MQTT protocol: ${detail}.`, {
      retry: true,
      cause
    })
  }
}

/** The broker refused topics that the credential API listed; trying again cannot help. */
export class SubscribeRefused extends PushError {
  /** @param {readonly string[]} topics @param {string} how */
  constructor(topics, how) {
    super('subscribe_refused', `The broker refused to subscribe to ${topics.join(', ')}: ${how}.`, {
      retry: false
    })
    this.topics = topics
  }
}

/** A listener asked for an address outside the grant. It was never sent to the broker. */
export class ForbiddenAddress extends PushError {
  /** @param {string} address @param {readonly string[]} granted Topic filters of the grant. */
  constructor(address, granted) {
    super('forbidden_address', `This client may not receive ${address}.`, { retry: false })
    this.address = address
    this.granted = granted
  }
}
