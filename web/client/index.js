/**
 * Push events to this page over AWS IoT Core: the public surface.
 *
 *     const client = new PushClient({ credentialsUrl: '/credentials', tokenUrl: '/token' })
 *     client.on('event', (event) => console.log(event.type, event.data))
 *     client.connect()
 */

export { PushClient } from './client.js'
export * from './errors.js'

/**
 * @typedef {import('./client.js').StateChange} StateChange
 * @typedef {import('./client.js').State} State
 * @typedef {import('./client.js').Absence} Absence
 * @typedef {import('./delivery.js').Delivered} Delivered
 * @typedef {import('./envelope.js').PushEvent} PushEvent
 * @typedef {import('./envelope.js').ForeignMessage} ForeignMessage
 * @typedef {import('./options.js').PushClientOptions} PushClientOptions
 */
