import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { createMissingSecrets } from '#shared/secrets'
import { lostSecretsTexts, readyText } from './texts.ts'

suite('readyText()', () => {
  const text = (home: string) =>
    readyText({
      home,
      gatewayUrl: 'https://localhost:4443',
      account: '000000000000',
      region: 'us-east-1',
      seconds: 1,
      pid: 12,
    })

  test('shows the usual folder as it is typed', () => {
    assert.match(text('.sealcast'), /^ {2}source \.sealcast\/env$/m)
  })

  test('names a folder so that a shell reads it as one word', (t) => {
    const home = mkdtempSync(join(tmpdir(), 'sealcast it\'s "$HOME" `id` ü '))
    t.after(() => rmSync(home, { recursive: true, force: true }))
    writeFileSync(join(home, 'env'), 'SEEN=yes\n')
    const line = /^ {2}source (.*)$/m.exec(text(home))?.[1]
    assert.equal(execFileSync('sh', ['-c', `. ${line}; printf %s "$SEEN"`], { encoding: 'utf8' }), 'yes')
  })
})

suite('lostSecretsTexts()', () => {
  test('warns of those of all secrets that cannot be replaced without harm', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sealcast-secrets-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const texts = lostSecretsTexts(await createMissingSecrets(folder, { now: 1_700_000_000_000 }))
    assert.deepEqual(
      texts.map((text) => /secrets\/(\S+) had gone/.exec(text)?.[1]),
      ['record-mac.json', 'token.json'],
    )
    assert.deepEqual(lostSecretsTexts([]), [])
  })
})
