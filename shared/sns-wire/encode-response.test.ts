import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { encodeError, encodeResponse } from './encode-response.ts'

suite('encodeResponse()', () => {
  test('writes what SNS writes, to the byte', () => {
    assert.equal(
      encodeResponse({
        action: 'CreateTopic',
        result: [['TopicArn', 'arn:aws:sns:eu-west-1:111122223333:orders']],
        requestId: 'r-1',
      }),
      `<CreateTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
  <CreateTopicResult>
    <TopicArn>arn:aws:sns:eu-west-1:111122223333:orders</TopicArn>
  </CreateTopicResult>
  <ResponseMetadata>
    <RequestId>r-1</RequestId>
  </ResponseMetadata>
</CreateTopicResponse>
`,
    )
  })

  test('has no result element for undefined and an empty one for an empty result', () => {
    assert.doesNotMatch(encodeResponse({ action: 'DeleteTopic', result: undefined, requestId: 'r' }), /Result/)
    assert.match(encodeResponse({ action: 'TagResource', result: [], requestId: 'r' }), / {2}<TagResourceResult\/>\n/)
  })

  test('keeps the order of elements and closes empty ones themselves', () => {
    const xml = encodeResponse({
      action: 'X',
      result: [
        [
          'B',
          [
            [
              'entry',
              [
                ['key', 'DisplayName'],
                ['value', ''],
              ],
            ],
          ],
        ],
        ['A', []],
        ['B', 'again'],
      ],
      requestId: 'r',
    })
    assert.ok(
      xml.includes(`    <B>
      <entry>
        <key>DisplayName</key>
        <value/>
      </entry>
    </B>
    <A/>
    <B>again</B>
`),
    )
  })

  test('takes another namespace, for STS', () => {
    const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/'
    assert.match(
      encodeResponse({ action: 'GetCallerIdentity', result: [], requestId: 'r', namespace }),
      /^<GetCallerIdentityResponse xmlns="https:\/\/sts\.amazonaws\.com\/doc\/2011-06-15\/">\n/,
    )
  })

  test('escapes markup and the carriage return that parsers would turn into a line feed', () => {
    assert.ok(echo('<a href="x">&amp;\'\r\n\t').includes("<V>&lt;a href=&quot;x&quot;&gt;&amp;amp;'&#xD;\n\t</V>"))
  })

  test('replaces what XML 1.0 cannot carry', () => {
    assert.ok(echo('a\0b\u001bc\ud800d\uffffe😀').includes('<V>a\ufffdb\ufffdc\ufffdd\ufffde😀</V>'))
  })

  test('is well-formed whatever text it repeats', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }), (units) => {
        const text = String.fromCharCode(...units)
        const [, value = ''] = /<V>(.*)<\/V>/s.exec(echo(text)) ?? []
        // Production [43] of XML 1.0 for text: characters and references, no markup.
        assert.match(
          value,
          /^(?:[\t\n\u0020-\u0025\u0027-\u003b\u003d\u003f-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|&(?:amp|lt|gt|quot|#xD);)*$/u,
        )
        assert.equal(unescapeXml(value), [...text].map((c) => (XML_CHARACTER.test(c) ? c : '\ufffd')).join(''))
      }),
    )
  })
})

suite('encodeError()', () => {
  test('writes what SNS writes, to the byte', () => {
    assert.equal(
      encodeError({ code: 'NotFound', message: 'Topic does not exist', fault: 'sender', requestId: 'r-1' }),
      `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
  <Error>
    <Type>Sender</Type>
    <Code>NotFound</Code>
    <Message>Topic does not exist</Message>
  </Error>
  <RequestId>r-1</RequestId>
</ErrorResponse>
`,
    )
  })

  test('calls our own faults Receiver and takes another namespace', () => {
    const xml = encodeError({ code: 'InternalError', message: 'm', fault: 'receiver', requestId: 'r', namespace: 'n' })
    assert.match(xml, /<Type>Receiver<\/Type>/)
    assert.match(xml, /^<ErrorResponse xmlns="n">/)
  })
})

const XML_CHARACTER = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]$/u

function echo(text: string): string {
  return encodeResponse({ action: 'X', result: [['V', text]], requestId: 'r' }).replace('<V/>', '<V></V>')
}

function unescapeXml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#xD;', '\r')
    .replaceAll('&amp;', '&')
}
