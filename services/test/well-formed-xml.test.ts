import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isWellFormedXml } from './well-formed-xml.ts'

suite('isWellFormedXml()', () => {
  for (const text of ['<A/>', '<A xmlns="http://a/">\n  <B>x &amp; y</B>\n  <C/>\n</A>\n']) {
    test(`takes ${JSON.stringify(text)}`, () => assert.ok(isWellFormedXml(text)))
  }

  const malformed = [
    '',
    'text',
    '<A>',
    '</A>',
    '<A></B>',
    '<A><B></A></B>',
    '<A/><B/>',
    '<A/>x',
    '<A>&</A>',
    '<A>&bogus;</A>',
    '<A><</A>',
    '<A/',
    '<A b="c"/>',
    '<A></A/>',
  ]
  for (const text of malformed) {
    test(`refuses ${JSON.stringify(text)}`, () => assert.ok(!isWellFormedXml(text)))
  }
})
