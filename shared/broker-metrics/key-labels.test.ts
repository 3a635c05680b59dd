import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { boundKeyLabels } from './key-labels.ts'

suite('boundKeyLabels()', () => {
  test('gives each key its own label, up to a hundred', () => {
    const labelOf = boundKeyLabels()
    for (let n = 0; n < 100; n++) assert.equal(labelOf(`key-${n}`, true), `key-${n}`)
    assert.equal(labelOf('key-100', true), 'other')
    assert.equal(labelOf('key-99', false), 'key-99')
  })

  test('leaves room for keys that exist, whatever names are asked for in vain', () => {
    const labelOf = boundKeyLabels()
    const labels = new Set(Array.from({ length: 1_000 }, (_, n) => labelOf(`made-up-${n}`, false)))
    assert.equal(labels.size, 51)
    assert.equal(labelOf('real', true), 'real')
    assert.equal(labelOf('real', false), 'real')
  })
})
