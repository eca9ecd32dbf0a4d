/** aws-iot-device-sdk-v2, its MQTT 5 client, native: signs itself. Argument: a CA file or none. */

import { createRequire } from 'node:module';
import { obey, place, tell, words } from './lines.mjs';

const { auth, iot, mqtt5 } = createRequire(import.meta.url)('aws-iot-device-sdk-v2');
const caFile = process.argv[2];

await obey((connect) => {
  const { host, port } = place(connect.endpoint);
  const builder = iot.AwsIotMqtt5ClientConfigBuilder.newWebsocketMqttBuilderWithSigv4Auth(host, {
    region: connect.region,
    credentialsProvider: auth.AwsCredentialsProvider.newStatic(
      connect.accessKeyId, connect.secretAccessKey, connect.sessionToken),
  });
  builder.withPort(port).withMinReconnectDelayMs(500).withMaxReconnectDelayMs(2000);
  builder.withConnectProperties({
    clientId: connect.clientId,
    keepAliveIntervalSeconds: 60,
    ...(connect.clean ? {} : { sessionExpiryIntervalSeconds: 3600 }),
  });
  builder.withSessionBehavior(
    connect.clean ? mqtt5.ClientSessionBehavior.Clean : mqtt5.ClientSessionBehavior.RejoinAlways);
  if (caFile) builder.withCertificateAuthorityFromPath(undefined, caFile);
  const client = new mqtt5.Mqtt5Client(builder.build());
  client.on('connectionSuccess', ({ connack }) =>
    tell('connected', { sessionPresent: connack.sessionPresent }));
  client.on('connectionFailure', ({ error, connack }) =>
    tell('failed', { why: words(error), code: connack?.reasonCode }));
  client.on('disconnection', ({ error, disconnect }) =>
    tell('lost', { why: words(error), code: disconnect?.reasonCode }));
  client.on('messageReceived', ({ message }) =>
    tell('message', { topic: message.topicName, payload: Buffer.from(message.payload).toString() }));
  client.on('stopped', () => tell('disconnected'));
  client.start();
  const failed = (event) => (error) => tell(event, { refused: true, why: words(error) });
  return {
    subscribe: ({ filter }) => {
      const subscription = { topicFilter: filter, qos: mqtt5.QoS.AtLeastOnce };
      client.subscribe({ subscriptions: [subscription] }).then(
        ({ reasonCodes: [code] }) => tell('subscribed', { refused: code >= 128, code }),
        failed('subscribed'));
    },
    publish: ({ topic, payload }) => {
      client.publish({ topicName: topic, payload, qos: mqtt5.QoS.AtLeastOnce }).then(
        ({ reasonCode: code }) => tell('published', { refused: code >= 128, code }),
        failed('published'));
    },
    disconnect: () => client.stop(),
  };
});
