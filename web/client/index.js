/**
 * Push events to this page over AWS IoT Core: the public surface.
 *
 *     const client = new PushClient({ credentialsUrl: '/credentials', tokenUrl: '/token' })
 *     client.on('event', (event) => console.log(event.type, event.data))
 *     client.connect()
 */

export { PushClient } from './client.js'
export * from './errors.js'
