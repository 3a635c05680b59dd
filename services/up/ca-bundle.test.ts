import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { createCertificateAuthority } from '#shared/pki'
import { buildCaBundle } from './ca-bundle.ts'

const NOW = Date.UTC(2026, 0, 1)

suite('buildCaBundle()', () => {
  const own = createCertificateAuthority({ commonName: 'test', now: NOW }).certificatePem

  test('adds ours to the first bundle the system has', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sealcast-bundle-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const roots = createCertificateAuthority({ commonName: 'root', now: NOW }).certificatePem
    writeFileSync(join(folder, 'empty.pem'), 'no certificate here')
    writeFileSync(join(folder, 'roots.pem'), `${roots.trimEnd()}`)
    const bundle = buildCaBundle(
      own,
      ['missing', 'empty.pem', 'roots.pem'].map((name) => join(folder, name)),
    )
    assert.equal(bundle, `${roots.trimEnd()}\n${own.trimEnd()}\n`)
  })

  test('takes the roots of Node where the system has none', () => {
    const bundle = buildCaBundle(own, [])
    assert.ok((bundle.match(/BEGIN CERTIFICATE/g) ?? []).length > 50)
    assert.ok(bundle.endsWith(`${own.trimEnd()}\n`))
  })
})
