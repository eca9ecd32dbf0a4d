/**
 * One foreign MQTT client under remote control: a command a line on stdin, an event a line on stdout.
 *
 * Owns the lines. Does not own MQTT: each program wraps one client and translates, nothing more.
 * The same words are spoken by `lines.py`.
 *
 * Commands: `connect` (endpoint, url, region, accessKeyId, secretAccessKey, sessionToken, clientId,
 * clean), `subscribe` (filter), `publish` (topic, payload), `disconnect`. All at QoS 1.
 *
 * Events: `connected` (sessionPresent), `failed` (why, code: an attempt to connect), `lost` (why,
 * code), `subscribed` and `published` (refused, code where the client says so), `message` (topic,
 * payload), `disconnected`.
 */

import { createInterface } from 'node:readline';

/** Tell what happened. */
export function tell(event, facts = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);
}

/** Text of an error of any library. */
export function words(error) {
  return String(error?.message ?? error?.errorMessage ?? error ?? '');
}

/**
 * Obey commands until stdin ends.
 *
 * @param {(connect: object) => {subscribe, publish, disconnect}} makeClient starts to connect.
 */
export async function obey(makeClient) {
  let client;
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: verb, ...facts } = JSON.parse(line);
    if (verb === 'connect') client = await makeClient(facts);
    else await client[verb](facts);
  }
  process.exit(0);
}

/** Host and port of an endpoint, the port spelt out. */
export function place(endpoint) {
  const url = new URL(endpoint);
  return { host: url.hostname, port: Number(url.port || (url.protocol === 'wss:' ? 443 : 80)) };
}
