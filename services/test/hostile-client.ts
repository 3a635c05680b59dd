/**
 * A stack and a client that sends it what no SDK would: by hand, over HTTPS and plain HTTP, on one
 * connection each, so that a refusal that spoils its connection is seen.
 */

import assert from 'node:assert/strict'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { createKey, createTopic, kmsClient, snsClient } from './messaging.ts'
import { type RawRequest, type RawResponse, type SigningOptions, sendRaw, signedForm } from './raw-request.ts'
import { readLog } from './read-log.ts'
import { type Stack, startStack } from './start-stack.ts'
import { readStoredState } from './stored-state.ts'
import { until } from './until.ts'
import { isWellFormedXml } from './well-formed-xml.ts'

/** In whatever an attack sends that no log may hold. */
export const MARK = 'a-text-to-look-for'

export type ParameterList = Readonly<Record<string, string>> | string

export interface CallOptions extends Partial<SigningOptions> {
  /** Over plain HTTP. */
  readonly plain?: boolean
  readonly signed?: boolean
  /** Sent as well, unsigned; in place of what the signer made where the names are equal. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

export interface Expected {
  readonly status: number
  readonly code: string
  readonly message?: string | RegExp
}

export interface HostileClient extends AsyncDisposable {
  readonly stack: Stack
  readonly httpsUrl: string
  readonly httpUrl: string
  /** ARN of a topic without encryption. */
  readonly plainTopic: string
  /** ARN of a topic with a working KMS key. */
  readonly sealedTopic: string
  /** A form POST, signed by the administrator unless told otherwise; a text is the body as it is. */
  call(parameters: ParameterList | Uint8Array, o?: CallOptions): Promise<RawResponse>
  send(request: Omit<RawRequest, 'agent' | 'ca'>): Promise<RawResponse>
  /** Whether the answer is SNS's refusal, whole and well-formed. */
  assertRefused(response: RawResponse, expected: Expected, what: string): void
  /** Runs an attack and checks that nothing was stored, nothing ended, and the connections still serve. */
  assertHarmless(attack: () => Promise<void>): Promise<void>
  /** Checks that no attack got into the gateway's log, and that none was answered as a fault of ours. */
  assertQuietLog(): Promise<void>
}

export async function startHostileClient(): Promise<HostileClient> {
  const stack = await startStack({ env: { SEALCAST_HTTP_PORT: '0' } })
  const sns = snsClient(stack)
  const kms = kmsClient(stack)
  const plainTopic = await createTopic(sns)
  const sealedTopic = await createTopic(sns, { KmsMasterKeyId: await createKey(kms) })
  sns.destroy()
  kms.destroy()

  const logLines = () => readLog(stack, 'gateway')
  const findPort = () => /"event":"gateway\.ready".*"httpPort":(\d+)/.exec(logLines().join('\n'))?.[1]
  await until('the gateway has told its port', () => findPort() !== undefined)
  const httpsUrl = `${stack.clientConfig.endpoint}/`
  const httpUrl = `http://localhost:${findPort()}/`
  const agents = {
    https: new HttpsAgent({ keepAlive: true, maxSockets: 1, ca: stack.ca }),
    http: new HttpAgent({ keepAlive: true, maxSockets: 1 }),
  }

  const send: HostileClient['send'] = (request) =>
    sendRaw({ ...request, agent: request.url.startsWith('https:') ? agents.https : agents.http })
  const call: HostileClient['call'] = (parameters, { plain = false, signed = true, headers = {}, ...signing } = {}) => {
    const url = plain ? httpUrl : httpsUrl
    const body = typeof parameters === 'string' || parameters instanceof Uint8Array ? parameters : formOf(parameters)
    if (!signed) return send({ url, body, headers })
    const request = signedForm(url, body, { ...stack.clientConfig.credentials, ...signing })
    return send({ ...request, headers: { ...request.headers, ...headers } })
  }
  return {
    stack,
    httpsUrl,
    httpUrl,
    plainTopic,
    sealedTopic,
    send,
    call,
    assertRefused(response, { status, code, message }, what) {
      const seen = `${what}: ${response.status} ${response.code} ${response.message}`
      assert.deepEqual([response.status, response.code], [status, code], seen)
      assert.ok(isWellFormedXml(response.body), `${what}: ${response.body}`)
      assert.equal(response.headers['content-type'], 'text/xml', what)
      const id = requestIdOf(response)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, what)
      assert.ok(response.body.includes(`<RequestId>${id}</RequestId>`), what)
      assert.ok(response.body.includes('<Type>Sender</Type>'), what)
      if (typeof message === 'string') assert.equal(response.message, message, what)
      else if (message !== undefined) assert.match(response.message, message, what)
    },
    async assertHarmless(attack) {
      const before = await readStoredState(stack)
      const pid = stack.pidOf('gateway')
      await attack()
      assert.deepEqual(await readStoredState(stack), before)
      assert.equal(stack.pidOf('gateway'), pid)
      for (const plain of [false, true]) {
        // The first may have to open a connection: some attacks end theirs, as they should.
        await call({ Action: 'ListTopics' }, { plain })
        const response = await call({ Action: 'ListTopics' }, { plain })
        assert.deepEqual([response.status, response.reused], [200, true])
      }
    },
    async assertQuietLog() {
      // Refused last, so that everything before it is written once its line is there.
      const last = await call({ Action: 'Last' })
      await until('its line is logged', () => logLines().some((line) => line.includes(requestIdOf(last))))
      const { secretAccessKey } = stack.clientConfig.credentials
      for (const line of logLines()) {
        const { level, event } = JSON.parse(line)
        if (!WARNINGS.has(event)) assert.equal(level, 'info', line)
        assert.ok(!line.includes(MARK) && !line.includes(secretAccessKey), line)
      }
    },
    async [Symbol.asyncDispose]() {
      agents.https.destroy()
      agents.http.destroy()
      await stack[Symbol.asyncDispose]()
    },
  }
}

/** No faults: denials too many to have a line each, and topics that were given a key which is not there. */
const WARNINGS: ReadonlySet<string> = new Set(['audit.left-out', 'topic-key.unusable'])

function requestIdOf({ headers }: RawResponse): string {
  return String(headers['x-amzn-requestid'])
}

/** As SDKs encode it. */
export function formOf(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&')
}
