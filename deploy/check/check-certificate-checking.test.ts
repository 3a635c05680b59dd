import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { checkCertificateChecking, findSwitches } from './check-certificate-checking.ts'

// Joined here only, so that this file is not found itself.
const SWITCHED_OFF = [
  ['{ reject', 'Unauthorized: false }'],
  ['{ "reject', 'Unauthorized": false }'],
  ['agent.options.reject', 'Unauthorized = false'],
  ['NODE_TLS_REJECT_', "UNAUTHORIZED='0' node x"],
  ['checkServer', 'Identity: () => undefined'],
  ['curl --inse', 'cure https://localhost'],
  ['curl -s', 'k https://localhost'],
  ['curl https://localhost -', 'k -v'],
  ['wget --no-check-', 'certificate https://localhost'],
  ['aws --no-verify', '-ssl sns list-topics'],
  ['requests.get(url, verify', '=False)'],
  ['tls.Config{InsecureSkip', 'Verify: true}'],
  ['context.verify_mode = ssl.CERT_', 'NONE'],
  ['ssl._create_unverified_', 'context()'],
  ['npm config set strict-ssl', '=false'],
  ['git -c http.sslVerify', '=false clone'],
].map((parts) => parts.join(''))

suite('findSwitches()', () => {
  for (const line of SWITCHED_OFF) {
    test(`finds ${line.slice(0, 12)}…${line.slice(-12)}`, () => {
      assert.deepEqual(findSwitches(`first\n  ${line} \nlast`), [{ line: 2, text: line }])
    })
  }

  test('has nothing against checking', () => {
    const harmless = [
      'rejectUnauthorized: true',
      'curl -s https://localhost',
      'curl --cacert ca.pem -o k x',
      'verify=True',
    ]
    assert.deepEqual(findSwitches(harmless.join('\n')), [])
  })
})

suite('checkCertificateChecking()', () => {
  test('names file and line, in every folder but those of others', async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'sealcast-switches-'))
    t.after(() => rmSync(root, { recursive: true }))
    const [switchedOff = ''] = SWITCHED_OFF
    for (const folder of ['deep/down', 'node_modules/x']) {
      mkdirSync(join(root, folder), { recursive: true })
      writeFileSync(join(root, folder, 'a.yml'), `ok\n${switchedOff}\n`)
    }
    const { problems } = await checkCertificateChecking(root)
    assert.equal(problems.length, 1)
    assert.match(problems[0] ?? '', /^deep\/down\/a\.yml:2 /)
  })

  test('does not pass when it saw no file', async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'sealcast-switches-'))
    t.after(() => rmSync(root, { recursive: true }))
    assert.equal((await checkCertificateChecking(root)).problems.length, 1)
  })
})
