import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { sampleFiles } from './sample-files.ts'

const files = Array.from({ length: 60 }, (_, n) => `services/test/part-${n}.e2e-test.ts`)

suite('sampleFiles()', () => {
  test('takes the share, in order, the same ones for the same seed', () => {
    fc.assert(
      fc.property(fc.string(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, share) => {
        const sample = sampleFiles(files, { seed, share })
        assert.equal(sample.length, Math.ceil(files.length * share))
        assert.deepEqual(
          sample,
          files.filter((file) => sample.includes(file)),
        )
        assert.deepEqual(sample, sampleFiles(files, { seed, share }))
      }),
    )
  })

  test('comes to every file within some seeds', () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 20; seed++) {
      for (const file of sampleFiles(files, { seed: String(seed), share: 0.5 })) seen.add(file)
    }
    assert.equal(seen.size, files.length)
  })
})
