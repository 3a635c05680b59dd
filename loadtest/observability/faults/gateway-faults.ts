/** Gateways that should not be as they are: with certificates that end, more requests than they take, a KMS that lies, settings for development. */

import { writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { ListTopicsCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { issueServerCertificate } from '#shared/pki'
import { createKey, createTopic, publish, readAuthority } from '../../../services/test/messaging.ts'
import { type StartedService, startService } from '../../../services/test/start-service.ts'
import { freePort } from '../free-port.ts'
import { repeat, type Stage } from '../stage.ts'
import type { ProvokedFault } from './fault.ts'
import { startLyingKms } from './kms-faults.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** What our authority gives a server. */
const LIFE_DAYS = 825

export const UNSCRAPED: ProvokedFault = {
  name: 'a gateway more that Prometheus is not told of, then with too many requests, unsafe, a certificate of 20 days',
  feeds: ['requests_refused', 'kms_unsafe', 'gateways_alive', 'endpoints_refused'],
  alerts: ['SealcastNotAllScraped', 'SealcastRequestsRefused', 'SealcastKmsUnsafe', 'SealcastCertificateExpires'],
  async provoke(stage, { undo, untilFired }) {
    const gateway = await startGateway(stage, {
      undo,
      days: 20,
      env: {
        SEALCAST_MAX_REQUESTS_IN_FLIGHT: '1',
        SEALCAST_DEV_UNSAFE_KMS: '1',
        SEALCAST_ENDPOINT_NETWORKS: 'loopback,private',
      },
    })
    const httpsAgent = new Agent({ keepAlive: true, maxSockets: 50, ca: stage.stack.ca })
    const client = new SNSClient({ ...gateway.service.clientConfig, maxAttempts: 1, requestHandler: { httpsAgent } })
    undo.defer(() => client.destroy())
    // It takes addresses that the workers do not connect to.
    const TopicArn = await createTopic(stage.cast.admin)
    await client.send(new SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: 'http://10.0.0.1/' }))
    await untilFired('SealcastNotAllScraped')
    gateway.scrape()
    const crowd = Array.from({ length: 20 }, () => new ListTopicsCommand({}))
    undo.use(repeat(500, () => Promise.allSettled(crowd.map((command) => client.send(command)))))
  },
}

export const LYING_KMS: ProvokedFault = {
  name: 'a gateway whose KMS answers for another key, with a certificate of 3 days',
  feeds: ['KMS_INTEGRITY'],
  alerts: ['SealcastKmsAnswerRefused', 'SealcastCertificateExpiresSoon'],
  async provoke(stage, { undo, untilFired }) {
    const { stack, kms, cast } = stage
    const liar = await startLyingKms(stack.env.AWS_ENDPOINT_URL_KMS ?? '', undo)
    const gateway = await startGateway(stage, { undo, days: 3, env: { SEALCAST_KMS_ENDPOINT: liar } })
    // An alert is about the first certificate of a kind that ends: the other gateway's comes before.
    await untilFired('SealcastCertificateExpires')
    gateway.scrape()
    const topicArn = await createTopic(cast.admin, { KmsMasterKeyId: await createKey(kms) })
    const client = new SNSClient(gateway.service.clientConfig)
    undo.defer(() => client.destroy())
    undo.use(repeat(2_000, () => publish(client, topicArn, 'never stored')))
  },
}

export const STALE_PRINCIPALS: ProvokedFault = {
  name: 'the principals file becomes something else',
  feeds: ['principals_stale', 'principals_reloads'],
  alerts: ['SealcastPrincipalsStale'],
  async provoke({ stack }, { undo }) {
    const file = join(stack.home, 'principals.json')
    const good = await readFile(file)
    await writeFile(file, '{', { mode: 0o600 })
    undo.defer(() => writeFile(file, good, { mode: 0o600 }))
  },
}

async function startGateway(
  { stack, prometheus }: Stage,
  o: { undo: AsyncDisposableStack; days: number; env: Readonly<Record<string, string>> },
): Promise<{ service: StartedService; scrape: () => void }> {
  const certificate = issueServerCertificate({
    authority: readAuthority(stack),
    hosts: ['localhost', '127.0.0.1'],
    now: Date.now() - (LIFE_DAYS - o.days) * DAY_MS,
  })
  const [certFile, keyFile] = [`${o.days}.crt.pem`, `${o.days}.key.pem`].map((name) => join(stack.home, 'tls', name))
  writeFileSync(certFile ?? '', certificate.certificatePem, { mode: 0o600 })
  writeFileSync(keyFile ?? '', certificate.privateKeyPem, { mode: 0o600 })
  const port = await freePort()
  const service = await startService(stack, 'gateway', {
    SEALCAST_METRICS_PORT: String(port),
    SEALCAST_TLS_CERT_FILE: certFile ?? '',
    SEALCAST_TLS_KEY_FILE: keyFile ?? '',
    ...o.env,
  })
  o.undo.use(service)
  const address = `127.0.0.1:${port}`
  return {
    service,
    scrape() {
      prometheus.addTarget('sealcast-gateway', address)
      o.undo.defer(() => prometheus.removeTarget('sealcast-gateway', address))
    },
  }
}
