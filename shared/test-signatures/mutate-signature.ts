/** Mutations of what a request claims about its signature: scope, list of signed headers, signature, date, and their form. */

import { listMutations, type Mutation, type Mutator } from './mutation.ts'
import { type Field, fieldOf, isPresigned, withField } from './signature-fields.ts'
import { valuesOf, type WireRequest, withHeader, withoutHeader } from './wire-request.ts'

export const mutateSignedHeaders: Mutator = (wire) => {
  const names = fieldOf(wire, 'SignedHeaders').split(';')
  const lists: [string, string[]][] = [
    ...listMutations(names, (name) => name),
    ['reversed', names.toReversed()],
    ['empty', []],
    ['in capitals', names.map((name) => name.toUpperCase())],
    ...names.map((name): [string, string[]] => [
      `with a capital in ${name}`,
      names.map((other) => (other === name ? name.charAt(0).toUpperCase() + name.slice(1) : other)),
    ]),
    ...[...new Set(wire.headers.map(([name]) => name.toLowerCase()))]
      .filter((name) => !names.includes(name))
      .map((name): [string, string[]] => [`with ${name}, which is there`, [...names, name].sort()]),
    ...['absent', 'constructor', '__proto__', 'a b', 'h\u00f6st', 'x:y'].map((name): [string, string[]] => [
      `with ${name}, which is not there`,
      [...names, name].sort(),
    ]),
    ['with an empty name first', ['', ...names]],
    ['with an empty name last', [...names, '']],
    ['with a blank', names.map((name, at) => (at === 0 ? ` ${name}` : name))],
  ]
  const texts: [string, string][] = [['parted by commas', names.join(',')], ...lists.map(toText)]
  return ofField(wire, 'SignedHeaders', texts)
}

function toText([name, names]: [string, string[]]): [string, string] {
  return [name, names.join(';')]
}

export const mutateScope: Mutator = (wire) => {
  const elements = fieldOf(wire, 'Credential').split('/')
  const [accessKeyId = '', day = '', region = '', service = '', terminator = ''] = elements
  const at = (index: number, values: readonly string[]) =>
    values
      .filter((value) => value !== elements[index])
      .map((value): [string, string] => [`element ${index} ${value}`, elements.with(index, value).join('/')])
  return ofField(wire, 'Credential', [
    ...listMutations(elements, (element) => element).map(([name, list]): [string, string] => [name, list.join('/')]),
    ...at(0, [
      'AKIAIOSFODNN7EXAMPLE',
      accessKeyId.toLowerCase(),
      `${accessKeyId}X`,
      accessKeyId.slice(0, -1),
      '*',
      '__proto__',
      '',
    ]),
    ...at(1, [String(Number(day) + 1), String(Number(day) - 1), day.slice(2), `${day}T000000Z`, '00000000', '']),
    ...at(2, ['us-west-2', region.toUpperCase(), `${region}-`, `-${region}`, '*', `${region};`, '']),
    ...at(3, ['sns', 'sts', 'kms', 'sqs', service.toUpperCase(), `${service}2`, '*', '']),
    ...at(4, ['aws5_request', terminator.toUpperCase(), 'aws4_reques', `${terminator}\u00e9`, '']),
    ['with a slash at its end', `${elements.join('/')}/`],
    ['with a slash before it', `/${elements.join('/')}`],
    ['parted by other slashes', elements.join('\\')],
  ])
}

export const mutateSignatureText: Mutator = (wire) => {
  const signature = fieldOf(wire, 'Signature')
  const flipped = Array.from(signature, (digit, at): [string, string] => [
    `with another digit ${at}`,
    signature.slice(0, at) + (Number.parseInt(digit, 16) ^ 1).toString(16) + signature.slice(at + 1),
  ])
  return ofField(wire, 'Signature', [
    ...flipped,
    ['empty', ''],
    ['in capitals', signature.toUpperCase()],
    ['cut to 63', signature.slice(0, 63)],
    ['cut to 1', signature.slice(0, 1)],
    ['without its start', signature.slice(1)],
    ['twice over', signature + signature],
    ['one longer', `${signature}0`],
    ['of zeros', '0'.repeat(64)],
    ['of no digits', 'z'.repeat(64)],
    ['with 0x', `0x${signature}`],
    ['in Base64', Buffer.from(signature, 'hex').toString('base64')],
    ['reversed', [...signature].reverse().join('')],
  ])
}

export const mutateDate: Mutator = (wire) => {
  const date = fieldOf(wire, 'Date')
  const extended = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  const other = date.replace(/\d(?=Z$)/, (digit) => (digit === '0' ? '1' : '0'))
  const texts: [string, string][] = [
    ['of another second', other],
    ['of the next century', `21${date.slice(2)}`],
    ['of the last century', `19${date.slice(2)}`],
    ['in the extended format', extended],
    ['as HTTP writes it', new Date(extended).toUTCString()],
    ['in seconds', String(Date.parse(extended) / 1000)],
    ['with fractions', date.replace('Z', '.000Z')],
    ['without its Z', date.slice(0, -1)],
    ['in small letters', date.toLowerCase()],
    ['of an offset', date.replace('Z', '+0000')],
    ['that is no date', `${date.slice(0, 4)}0230${date.slice(8)}`],
    ['of hour 24', `${date.slice(0, 9)}24${date.slice(11)}`],
    ['empty', ''],
  ]
  const beside: Mutation[] = ['', extended, other, new Date(extended).toUTCString()].map((value) => [
    `Date: ${value} beside it`,
    withHeader(wire, 'date', value),
  ])
  const instead: Mutation[] = isPresigned(wire)
    ? []
    : [date, other, extended].map((value) => [
        `Date: ${value} in its place`,
        withHeader(withoutHeader(wire, 'x-amz-date'), 'date', value),
      ])
  return [...ofField(wire, 'Date', texts), ...beside, ...instead]
}

/** The Authorization header as a text: its parts, their order, blanks, and how many headers there are. */
export const mutateAuthorization: Mutator = (wire) => {
  const [authorization] = valuesOf(wire, 'authorization')
  if (authorization === undefined) return []
  const [algorithm = '', ...parts] = authorization.split(/ (?=Credential=)|, /)
  const written = (list: readonly string[]) => `${algorithm} ${list.join(', ')}`
  const texts: [string, string][] = [
    ...listMutations(parts, (part) => part.slice(0, part.indexOf('='))).map(([name, list]): [string, string] => [
      name,
      written(list),
    ]),
    ...parts.flatMap((part): [string, string][] => [
      [`with a small ${part.charAt(0)}`, authorization.replace(part, part.charAt(0).toLowerCase() + part.slice(1))],
      [`with a blank in ${part.slice(0, 4)}`, authorization.replace(part, part.replace('=', ' = '))],
      [`with quotes in ${part.slice(0, 4)}`, authorization.replace(part, `${part.replace('=', '="')}"`)],
    ]),
    ['without blanks between parts', `${algorithm} ${parts.join(',')}`],
    ['with more blanks', `${algorithm}   ${parts.join(',   ')}`],
    ['with blanks alone between parts', `${algorithm} ${parts.join(' ')}`],
    ['with semicolons', `${algorithm} ${parts.join('; ')}`],
    ['with a comma at its end', `${authorization},`],
    ['with a comma first', `${algorithm} , ${parts.join(', ')}`],
    ['with an unknown part', `${authorization}, Region=eu-west-1`],
    ['without its algorithm', parts.join(', ')],
    ['of the algorithm alone', algorithm],
    ['of another scheme', `Bearer ${parts.join(', ')}`],
    ...['aws4-hmac-sha256', 'AWS4-HMAC-SHA512', 'AWS4-ECDSA-P256-SHA256', 'AWS3-HTTPS', 'AWS'].map(
      (name): [string, string] => [`of ${name}`, `${name} ${parts.join(', ')}`],
    ),
  ]
  const lines: Mutation[] = [
    ['none', withoutHeader(wire, 'authorization')],
    ['twice', { ...wire, headers: [...wire.headers, ['authorization', authorization]] }],
    ['after one of another scheme', { ...wire, headers: [['authorization', 'Basic dTpw'], ...wire.headers] }],
    ['before one of another scheme', { ...wire, headers: [...wire.headers, ['Authorization', 'Basic dTpw']] }],
    ['and marks of a presigned query', { ...wire, query: joined(wire.query, 'X-Amz-Signature=0') }],
    ['and an encoded mark', { ...wire, query: joined(wire.query, '%58-Amz-Credential=0') }],
  ]
  return [...texts.map(([name, text]): Mutation => [name, withHeader(wire, 'authorization', text)]), ...lines].map(
    ([name, mutated]) => [`Authorization ${name}`, mutated],
  )
}

/** What only a presigned query has: its life, and an Authorization header that it must not have beside it. */
export const mutatePresigned: Mutator = (wire) => {
  if (!isPresigned(wire)) return []
  const [expires = ''] = /(?<=X-Amz-Expires=)\d+/.exec(wire.query) ?? []
  const lives = ['0', '1', '2', '604800', '604801', '-1', '1.5', '1e3', 'abc', '', ' 60', '0x10', '9'.repeat(30)]
  return [
    ...lives
      .filter((life) => life !== expires)
      .map(
        (life): Mutation => [
          `X-Amz-Expires ${life}`,
          {
            ...wire,
            query: wire.query.replace(`X-Amz-Expires=${expires}`, `X-Amz-Expires=${encodeURIComponent(life)}`),
          },
        ],
      ),
    ...['aws4-hmac-sha256', 'AWS4-HMAC-SHA512', 'AWS4-ECDSA-P256-SHA256', ''].map(
      (name): Mutation => [`X-Amz-Algorithm ${name}`, withField(wire, 'Algorithm', name)],
    ),
    ...['', 'AWS4-HMAC-SHA256', 'Bearer x'].map(
      (text): Mutation => [`Authorization: ${text} beside it`, withHeader(wire, 'authorization', text)],
    ),
  ]
}

/** Taken away, changed, put where it was not, twice. */
export const mutateSessionToken: Mutator = (wire) => {
  const [token] = valuesOf(wire, 'x-amz-security-token')
  const inQuery = /X-Amz-Security-Token=[^&]*/.exec(wire.query)?.[0]
  const put = (value: string) =>
    isPresigned(wire)
      ? {
          ...wire,
          query: joined(wire.query.replace(`&${inQuery}`, ''), `X-Amz-Security-Token=${encodeURIComponent(value)}`),
        }
      : withHeader(wire, 'x-amz-security-token', value)
  const changed: Mutation[] = ['', 'another', `${token ?? 'none'}x`, (token ?? 'none').slice(0, -1)].map((value) => [
    `session token "${value}"`,
    put(value),
  ])
  const inOtherPlace: Mutation[] = [
    ['session token in a header as well', withHeader(wire, 'x-amz-security-token', token ?? 'another')],
    [
      'session token in the query as well',
      { ...wire, query: joined(wire.query, `X-Amz-Security-Token=${encodeURIComponent(token ?? 'another')}`) },
    ],
  ]
  const taken: Mutation[] = []
  if (token !== undefined) taken.push(['no session token', withoutHeader(wire, 'x-amz-security-token')])
  if (inQuery !== undefined) taken.push(['no session token', { ...wire, query: wire.query.replace(`&${inQuery}`, '') }])
  return [...changed, ...inOtherPlace, ...taken]
}

function joined(query: string, piece: string): string {
  return query === '' ? piece : `${query}&${piece}`
}

function ofField(wire: WireRequest, field: Field, texts: readonly [string, string][]): Mutation[] {
  return texts.map(([name, text]) => [`${field} ${name}`, withField(wire, field, text)])
}
