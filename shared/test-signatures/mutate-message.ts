/** Mutations of what is signed: header lines, path, query, body, method. */

import { listMutations, type Mutation, type Mutator } from './mutation.ts'
import { bodyHashOf, type WireRequest, withHeader, withoutHeader } from './wire-request.ts'

export const mutateHeaders: Mutator = (wire) => {
  const { headers } = wire
  const lines = listMutations(headers, ([name]) => name).map(
    ([name, list]): Mutation => [name, { ...wire, headers: list }],
  )
  const values = headers.flatMap(([name, value], at): Mutation[] => {
    const other = headers[(at + 1) % headers.length]?.[1] ?? ''
    const put = (text: string) => ({ ...wire, headers: headers.with(at, [name, text]) })
    return [
      [`${name} empty`, put('')],
      [`${name} with the next one's value`, put(other)],
      [`${name} with a letter more`, put(`${value}x`)],
      [`${name} in other letters`, put(swapCase(value))],
      [`${name} with blanks around`, put(`  \t${value}\t `)],
      [`${name} with wider blanks`, put(value.replaceAll(' ', ' \t '))],
      [`${name} with a blank in it`, put(`${value.slice(0, 1)} ${value.slice(1)}`)],
      [`${name} with a comma more`, put(`${value},`)],
      [`${name} twice with another value`, { ...wire, headers: [...headers, [name, 'other']] }],
      [`${name} once before with another value`, { ...wire, headers: [[name, 'other'], ...headers] }],
      [`${name} named in capitals`, { ...wire, headers: headers.with(at, [name.toUpperCase(), value]) }],
      [`${name} under another name`, { ...wire, headers: headers.with(at, [`${name}-x`, value]) }],
    ]
  })
  const added = [
    ['x-forwarded-for', '10.0.0.1'],
    ['x-forwarded-host', 'evil.example'],
    ['x-amzn-trace-id', 'Root=1-67891233-abcdef012345678912345678'],
    ['x-amz-cf-id', 'id'],
    ['x-amz-target', 'TrentService.Decrypt'],
    ['X-AMZ-META', 'x'],
    ['x-amz-source-arn', 'arn:aws:s3:::bucket'],
    ['x-amz-source-account', '000000000000'],
    ['x-http-method-override', 'DELETE'],
    ['cookie', 'a=b'],
    ['accept', '*/*'],
  ] as const
  return [
    ...lines,
    ...values,
    ['in reverse order', { ...wire, headers: headers.toReversed() }],
    ...added.map(([name, value]): Mutation => [`${name} added`, { ...wire, headers: [...headers, [name, value]] }]),
  ].map(([name, mutated]) => [`header ${name}`, mutated] as Mutation)
}

export const mutatePath: Mutator = (wire) => {
  const { path } = wire
  const letter = /[a-z](?=[^%]*$)/i.exec(path)
  const paths: [string, string][] = [
    ['with a dot segment', `/.${path}`],
    ['with a segment and back', `/x/..${path}`],
    ['with a way above the root', `/../..${path}`],
    ['with a dot segment at its end', `${path}${path.endsWith('/') ? '' : '/'}.`],
    ['with encoded dots', `/%2e%2e${path}`],
    ['with an encoded dot', `/%2E${path}`],
    ['with a double slash', `/${path}`],
    ['with a slash more', `${path}/`],
    ['with an encoded slash', `/%2F${path.slice(1)}`],
    ['with an encoded small slash', `/%2f${path.slice(1)}`],
    ['with a backslash', `/\\${path.slice(1)}`],
    ['with a segment more', `${path}x`],
    ['with parameters', `${path};a=b`],
    ['with a NUL', `${path}%00`],
    ['encoded once more', path.replaceAll('%', '%25')],
    ['with small escapes', path.replaceAll(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())],
    ['decoded once', decodeURIComponent(path).replaceAll(/[^\x21-\x7e]/g, '+')],
    ['in capitals', path.toUpperCase()],
    ['without its last slash', path.length > 1 ? path.replace(/\/$/, '') : path],
    ['with a host in it', `//localhost${path}`],
    ...(letter === null
      ? []
      : [
          ['with an encoded letter', path.replace(letter[0], `%${letter[0].charCodeAt(0).toString(16)}`)] as [
            string,
            string,
          ],
        ]),
  ]
  return paths
    .filter(([, changed]) => changed !== path)
    .map(([name, changed]) => [`path ${name}`, { ...wire, path: changed }])
}

export const mutateQuery: Mutator = (wire) => {
  const pieces = wire.query.split('&').filter((piece) => piece !== '')
  const withPieces = (list: readonly string[]) => ({ ...wire, query: list.join('&') })
  const ofPieces = listMutations(pieces, nameOf).map(([name, list]): Mutation => [name, withPieces(list)])
  const ofPiece = pieces.flatMap((piece, at): Mutation[] => {
    const [name = '', value = ''] = piece.split('=', 2)
    const put = (...list: string[]) => withPieces(pieces.toSpliced(at, 1, ...list))
    return [
      [`${nameOf(piece)} with another value`, put(`${name}=${value}x`)],
      [`${nameOf(piece)} twice with another value`, put(piece, `${name}=x`)],
      [`${nameOf(piece)} after another of its name`, put(`${name}=x`, piece)],
      [`${nameOf(piece)} without its value`, put(`${name}=`)],
      [`${nameOf(piece)} without its equals sign`, put(name)],
      [`${nameOf(piece)} in other letters`, put(`${swapCase(name)}=${value}`)],
      [`${nameOf(piece)} with a second equals sign`, put(`${name}==${value}`)],
      [`${nameOf(piece)} encoded as a whole`, put(`${encodeAll(name)}=${value}`)],
      [`${nameOf(piece)} with its value encoded as a whole`, put(`${name}=${encodeAll(value)}`)],
      [`${nameOf(piece)} moved to the body`, { ...put(), body: wire.body === '' ? piece : `${wire.body}&${piece}` }],
      [`${nameOf(piece)} in the body as well`, { ...wire, body: wire.body === '' ? piece : `${wire.body}&${piece}` }],
    ]
  })
  const ofQuery: [string, string][] = [
    ['gone', ''],
    ['reversed', pieces.toReversed().join('&')],
    ['sorted', pieces.toSorted().join('&')],
    ['with a parameter more', [...pieces, 'Extra=1'].join('&')],
    ['with a parameter before', ['Extra=1', ...pieces].join('&')],
    ['with empty pieces', `&${pieces.join('&&')}&`],
    ['with semicolons', pieces.join(';')],
    ['with small escapes', wire.query.replaceAll(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())],
    ['with pluses for blanks', wire.query.replaceAll('%20', '+')],
    ['with blanks for pluses', wire.query.replaceAll('%2B', '%20')],
    ['with bare pluses', wire.query.replaceAll('%2B', '+')],
    ['encoded once more', wire.query.replaceAll('%', '%25')],
    ['with bare slashes', wire.query.replaceAll('%2F', '/')],
    ['with an escape cut short', `${wire.query}%`],
    ['with a byte that is no UTF-8', `${wire.query}%FF`],
    ['with a second question mark', `?${wire.query}`],
    ['with a fragment', `${wire.query}%23x`],
  ]
  return [
    ...ofPieces,
    ...ofPiece,
    ...ofQuery.filter(([, query]) => query !== wire.query).map(([name, query]): Mutation => [name, { ...wire, query }]),
  ].map(([name, mutated]) => [`query ${name}`, mutated] as Mutation)
}

export const mutateBody: Mutator = (wire) => {
  const { body } = wire
  const pieces = body.split('&').filter((piece) => piece !== '')
  const bodies: [string, string][] = [
    ['empty', ''],
    ['of something else', 'Action=DeleteTopic'],
    ['with a byte more', `${body}x`],
    ['with a line feed more', `${body}\n`],
    ['with a byte less', body.slice(0, -1)],
    ['with its first bit flipped', String.fromCharCode((body.charCodeAt(0) || 64) ^ 1) + body.slice(1)],
    ['with pluses for blanks', body.replaceAll('%20', '+')],
    ['with small escapes', body.replaceAll(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())],
    ['encoded once more', body.replaceAll('%', '%25')],
    ...listMutations(pieces, nameOf).map(([name, list]): [string, string] => [name, list.join('&')]),
  ]
  const moved = pieces.flatMap((piece, at): Mutation[] => [
    [
      `with ${nameOf(piece)} moved to the query`,
      { ...wire, body: pieces.toSpliced(at, 1).join('&'), query: joined(wire.query, piece) },
    ],
    [`with ${nameOf(piece)} in the query as well`, { ...wire, query: joined(wire.query, piece) }],
  ])
  const ofBodies = bodies
    .filter(([, changed]) => changed !== body)
    .flatMap(([name, changed]): Mutation[] => [
      [name, { ...wire, body: changed }],
      [`${name}, with its hash`, withHash({ ...wire, body: changed }, bodyHashOf(changed))],
    ])
  const hashes = [
    bodyHashOf('other'),
    bodyHashOf(body).toUpperCase(),
    'UNSIGNED-PAYLOAD',
    STREAMING,
    bodyHashOf(''),
    '',
  ]
  return [
    ...ofBodies,
    ...moved,
    ...hashes
      .filter((hash) => hash !== bodyHashOf(body))
      .map((hash): Mutation => [`with the hash "${hash}"`, withHash(wire, hash)]),
    ['without a hash', withoutHeader(wire, 'x-amz-content-sha256')],
    ...['text/plain', 'application/json', 'multipart/form-data; boundary=x', 'application/x-amz-json-1.1'].map(
      (type): Mutation => [`as ${type}`, withHeader(wire, 'content-type', type)],
    ),
  ].map(([name, mutated]) => [`body ${name}`, mutated] as Mutation)
}

/** Of S3, which takes bodies in signed chunks. */
const STREAMING = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'

export const mutateMethod: Mutator = (wire) =>
  ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS']
    .filter((method) => method !== wire.method)
    .map((method) => [`method ${method}`, { ...wire, method }])

function withHash(wire: WireRequest, hash: string): WireRequest {
  return withHeader(wire, 'x-amz-content-sha256', hash)
}

function nameOf(piece: string): string {
  return piece.slice(0, 24)
}

function joined(query: string, piece: string): string {
  return query === '' ? piece : `${query}&${piece}`
}

function swapCase(text: string): string {
  return text.replaceAll(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  )
}

function encodeAll(text: string): string {
  return Array.from(Buffer.from(decodeURIComponent(text)), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}
