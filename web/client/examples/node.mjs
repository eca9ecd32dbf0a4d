// Node 22 and later have a WebSocket of their own; Node 20 takes the one of the package ws.
import { PushClient } from 'serverless-websockets-client'

const { CREDENTIALS_URL, TOKEN, DEVICE = 'worker' } = process.env
const WebSocket = globalThis.WebSocket ?? (await import('ws')).WebSocket

const client = new PushClient({
  credentialsUrl: CREDENTIALS_URL,
  getToken: () => TOKEN, // better: ask your issuer for a fresh one
  device: DEVICE, // the same after a restart, so that the session is resumed
  WebSocket
})
client.on('state', ({ state, reason }) => console.error(`${state} (${reason})`))
client.on('error', ({ code, message }) => console.error(code, message))
client.connect()
process.once('SIGTERM', () => client.close()) // ends the loop below, and the session

for await (const event of client) {
  console.log(event.type, JSON.stringify(event.data))
}
