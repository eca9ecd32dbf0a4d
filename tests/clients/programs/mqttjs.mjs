/** MQTT.js, with URLs that aws4fetch signs for each attempt. First argument: protocol level 4 or 5. */

import { AwsV4Signer } from 'aws4fetch';
import mqtt from 'mqtt';
import { obey, tell, words } from './lines.mjs';

const protocolVersion = Number(process.argv[2]);

async function signedUrl({ endpoint, region, accessKeyId, secretAccessKey, sessionToken }) {
  const signer = new AwsV4Signer({
    url: endpoint.replace(/^ws/, 'http'),
    service: 'iotdevicegateway',
    signQuery: true,
    region,
    accessKeyId,
    secretAccessKey,
    sessionToken,
  });
  return (await signer.sign()).url.href.replace(/^http/, 'ws');
}

await obey(async (connect) => {
  let url = await signedUrl(connect);
  const client = mqtt.connect(connect.endpoint, {
    protocolVersion,
    clientId: connect.clientId,
    clean: connect.clean,
    properties: protocolVersion === 5 && !connect.clean ? { sessionExpiryInterval: 3600 } : undefined,
    reconnectPeriod: 500,
    transformWsUrl: () => url,
  });
  let connected = false;
  let failure;
  client.on('connect', (connack) => {
    connected = true;
    tell('connected', { sessionPresent: connack.sessionPresent });
  });
  client.on('message', (topic, payload) => tell('message', { topic, payload: payload.toString() }));
  client.on('disconnect', (packet) => { failure = { code: packet.reasonCode }; });
  client.on('error', (error) => { failure = { why: words(error), code: error.code }; });
  client.on('close', async () => {
    tell(connected ? 'lost' : 'failed', failure);
    connected = false;
    failure = undefined;
    url = await signedUrl(connect);
  });
  return {
    subscribe: ({ filter }) =>
      client.subscribe(filter, { qos: 1 }, (error, _filters, suback) => {
        const code = (suback ?? error?.packet)?.granted?.[0];
        tell('subscribed', { refused: Boolean(error) || code >= 128, code, why: words(error) });
      }),
    publish: ({ topic, payload }) =>
      client.publish(topic, payload, { qos: 1 }, (error) =>
        tell('published', { refused: Boolean(error), code: error?.code, why: words(error) })),
    disconnect: () => client.end(true, {}, () => {
      client.removeAllListeners('close');
      tell('disconnected');
    }),
  };
});
