import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { ConfigError } from '#shared/config'
import { composeVariables, readComposeConfig } from './compose-config.ts'

const OWNER = { uid: 10_001, gid: 10_002 }

suite('readComposeConfig()', () => {
  test('takes a data directory beside that of up, and the port of the first gateway into the public URL', () => {
    const config = readComposeConfig({ SEALCAST_GATEWAY_PORT: '8443' }, '/here')
    assert.equal(config.home, '/here/.sealcast-compose')
    assert.equal(config.publicUrl, 'https://localhost:8443')
  })

  test('refuses a free port, which two files would have to be told, and names every bad variable', () => {
    assert.throws(
      () => readComposeConfig({ SEALCAST_KMS_PORT: '0', SEALCAST_ACCOUNT_ID: '1', SEALCAST_PUBLIC_URL: 'x' }, '/'),
      (error) =>
        error instanceof ConfigError &&
        ['SEALCAST_KMS_PORT', 'SEALCAST_ACCOUNT_ID', 'SEALCAST_PUBLIC_URL'].every((name) =>
          error.message.includes(name),
        ),
    )
  })
})

suite('composeVariables()', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docker-compose.yml'), 'utf8')
  const asked = new Map([...text.matchAll(/\$\{(\w+):(?:-([^}]*)|\?)/g)].map(([, name = '', value]) => [name, value]))

  test('gives every variable that docker-compose.yml cannot do without, and none it does not ask for', () => {
    const env = Object.fromEntries([...asked.keys()].map((name) => [name, '']))
    const given = composeVariables(env, readComposeConfig(env, '/'), OWNER)
    for (const [name, standard] of asked) if (standard === undefined) assert.ok(given[name], name)
    for (const name of Object.keys(given)) assert.ok(asked.has(name), name)
  })

  test("has docker-compose.yml's own defaults", () => {
    for (const [name, value] of Object.entries(composeVariables({}, readComposeConfig({}, '/'), OWNER))) {
      const standard = asked.get(name)
      if (standard !== undefined) assert.equal(value, standard, name)
    }
  })

  test('hands on what docker-compose.yml asks for and somebody set', () => {
    for (const [name, standard] of asked) {
      if (standard === undefined || /PORT|ACCOUNT|URL/.test(name)) continue
      assert.equal(composeVariables({ [name]: 'x' }, readComposeConfig({ [name]: 'x' }, '/'), OWNER)[name], 'x', name)
    }
  })
})
