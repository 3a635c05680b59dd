/** Signed requests, each one-step mutation of them, and each signed anew: the gateway says of each what the rules say. */

import assert from 'node:assert/strict'
import { Agent } from 'node:https'
import { suite, test } from 'node:test'
import {
  expectedRefusal,
  isDecodable,
  isDeliverable,
  mutationsOf,
  queryShapes,
  readParameters,
  resigned,
  sendWire,
  valuesOf,
  type WireRequest,
} from '#shared/test-signatures'
import { startStack } from './start-stack.ts'

/** What there was when this was written; a mutator that stops finding anything shows here. */
const MIN_CASES = 3_900
const SHAPES: readonly string[] = [
  'form POST of an SDK',
  'form POST with escapes',
  'GET with escapes',
  'presigned GET with escapes',
  'presigned form POST',
]
const AUTHENTICATION: readonly string[] = [
  'MissingAuthenticationToken',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'RequestExpired',
]

suite('the gateway', () => {
  test(`authenticates more than ${MIN_CASES} mutated requests as the rules say`, async (t) => {
    await using stage = await setup()
    let cases = 0
    for (const { name, wire } of stage.shapes) {
      assert.equal(await stage.ask(wire), 'ok', name)
      for (const [kind, mutations] of mutationsOf(wire)) {
        for (const [what, mutated] of mutations) {
          for (const sent of [mutated, await resigned(mutated, stage.user.secretAccessKey)]) {
            if (!isDeliverable(sent)) continue
            const code = await stage.ask(sent)
            const place = `${name}, ${kind}: ${what}: ${code}`
            cases++
            if (isRefusedUnseen(sent)) {
              assert.ok(code !== 'ok' && !AUTHENTICATION.includes(code), place)
              continue
            }
            const expected = await expectedRefusal(sent, stage.world())
            if (expected === undefined) assert.ok(!AUTHENTICATION.includes(code), place)
            else assert.equal(code, expected, place)
            // With the signature that it came with it can only be the request that was signed.
            if (expected === undefined && sent === mutated) assert.equal(code, 'ok', place)
          }
        }
      }
    }
    t.diagnostic(`${cases} cases of ${stage.shapes.length} requests`)
    assert.ok(cases > MIN_CASES, String(cases))
  })
})

/** Whether HTTP or the Query protocol refuses it before anybody looks at the signature. */
function isRefusedUnseen(wire: WireRequest): boolean {
  const { path, method, query, body } = wire
  const form = method === 'POST' ? body : ''
  const names = [...readParameters(query), ...readParameters(form)].map(([name]) => name)
  return (
    valuesOf(wire, 'host').length !== 1 ||
    valuesOf(wire, 'x-amz-target').length > 0 ||
    path !== '/' ||
    !['GET', 'POST'].includes(method) ||
    new Set(names).size !== names.length ||
    names.includes('') ||
    !isDecodable(query) ||
    !isDecodable(form)
  )
}

async function setup() {
  const stack = await startStack()
  const { endpoint, credentials: user, region } = stack.clientConfig
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: stack.ca })
  const shapes = await queryShapes({
    user,
    region,
    service: 'sns',
    now: Date.now(),
    host: new URL(endpoint).host,
    form: 'Action=ListTopics&Version=2010-03-31',
  })
  return {
    user,
    shapes: shapes.filter(({ name }) => SHAPES.includes(name)),
    world: () => ({ signers: [user], service: 'sns', now: Date.now() }),
    /** SNS's code, or `ok`. */
    async ask(wire: WireRequest): Promise<string> {
      const { status, body } = await sendWire(wire, { origin: endpoint, agent })
      return status === 200 ? 'ok' : (/<Code>([^<]*)</.exec(body)?.[1] ?? `without a code: ${status}`)
    },
    async [Symbol.asyncDispose]() {
      agent.destroy()
      await stack[Symbol.asyncDispose]()
    },
  }
}
