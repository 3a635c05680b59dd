/** Valid requests of many shapes, signed by the AWS SDK's signer: what mutations start from. */

import { presignWire, type Signer, type SigningScope, signWire } from './oracle.ts'
import type { HeaderLine, WireRequest } from './wire-request.ts'

export interface Shape {
  readonly name: string
  readonly signer: Signer
  readonly wire: WireRequest
}

export interface ShapeOptions extends SigningScope {
  readonly user: Signer
  /** One with a session token; absent: shapes with one are left out. */
  readonly session?: Signer
  readonly host: string
  /** A form whose `Action` the service knows. */
  readonly form: string
}

const FORM = 'application/x-www-form-urlencoded'

/** Headers that SDKs add to what they sign, and one that they leave unsigned. */
const AS_SDK: readonly HeaderLine[] = [
  ['user-agent', 'aws-sdk-js/3'],
  ['x-amz-user-agent', 'aws-sdk-js/3 lang/js'],
  ['amz-sdk-invocation-id', '1b0e63ec-4f4b-4cb5-b6b7-000000000000'],
  ['amz-sdk-request', 'attempt=1; max=3'],
]

/** What the Query protocol's services take: `/` alone, parameters in query or form. */
export async function queryShapes(o: ShapeOptions): Promise<readonly Shape[]> {
  const host: HeaderLine = ['host', o.host]
  const post = (form: string, more: readonly HeaderLine[] = []): WireRequest => ({
    method: 'POST',
    path: '/',
    query: '',
    headers: [host, ['content-type', FORM], ['content-length', String(Buffer.byteLength(form))], ...more],
    body: form,
  })
  const get = (query: string, more: readonly HeaderLine[] = []): WireRequest => ({
    method: 'GET',
    path: '/',
    query,
    headers: [host, ...more],
    body: '',
  })
  const blanks: readonly HeaderLine[] = [
    ['my-header', 'two  blanks and   three'],
    ['my-tabs', 'a\tb'],
    ['my-quotes', '"a   b";  c'],
  ]
  const escapes = `${o.form}&Escapes=${encodeURIComponent("a b+c/é😀%2F=&;:@!'()*~")}&Empty=`
  const signed = (name: string, wire: WireRequest, signer = o.user) => sign(name, wire, signer, o)
  const presigned = (name: string, wire: WireRequest, expiresIn: number, signer = o.user) =>
    presign(name, wire, signer, { ...o, expiresIn })
  return await Promise.all([
    signed('form POST', post(o.form)),
    signed('form POST of an SDK', post(o.form, AS_SDK)),
    signed('form POST with escapes', post(escapes)),
    signed('form POST with blanks in headers', post(o.form, blanks)),
    signed('GET', get(o.form)),
    signed('GET with escapes', get(escapes)),
    presigned('presigned GET', get(o.form), 60),
    presigned('presigned GET with escapes', get(escapes), 604_800),
    presigned('presigned GET of a second', get(o.form), 1),
    presigned('presigned GET with a signed header', get(o.form, [['my-header', 'value']]), 60),
    presigned('presigned form POST', post(o.form), 60),
    ...(o.session
      ? [
          signed('form POST of a session', post(o.form), o.session),
          signed('GET of a session', get(o.form), o.session),
          presigned('presigned GET of a session', get(o.form), 60, o.session),
        ]
      : []),
  ])
}

/** What SigV4 covers and the Query protocol has no use for: paths, repeated names, other methods and ports, JSON. */
export async function otherShapes(o: ShapeOptions): Promise<readonly Shape[]> {
  const at = (
    method: string,
    path: string,
    query = '',
    headers: readonly HeaderLine[] = [],
    body = '',
  ): WireRequest => ({
    method,
    path,
    query,
    headers: [['host', o.host], ...headers],
    body,
  })
  const target: HeaderLine = ['x-amz-target', 'TrentService.GenerateRandom']
  return await Promise.all([
    sign('a path of escapes', at('GET', '/a%20b/%C3%A9/(c);d=1/~e'), o.user, o),
    sign('a path that ends in a slash', at('PUT', '/a/b/', 'x=1', [], 'body'), o.user, o),
    sign('a path of dot segments', at('GET', '/a/./b/../c//d'), o.user, o),
    sign('a query with repeated names', at('GET', '/', 'b=2&a=3&a=1&b=&c&a=2'), o.user, o),
    sign('a query whose names sort by case and length', at('GET', '/', 'A=1&a=2&a-b=3&a%20=4&aa=5'), o.user, o),
    sign('a JSON POST', at('POST', '/', '', [['content-type', 'application/x-amz-json-1.1'], target], '{}'), o.user, o),
    sign('a default port', { ...at('POST', '/'), headers: [['host', 'sns.eu-west-1.amazonaws.com']] }, o.user, o),
    sign('an IPv6 host', { ...at('POST', '/'), headers: [['host', '[::1]:4443']] }, o.user, o),
    sign('an empty POST', at('POST', '/', '', [['content-length', '0']]), o.user, o),
    presign('a presigned path', at('DELETE', '/a%2Fb/c', 'x=%2B'), o.user, { ...o, expiresIn: 60 }),
  ])
}

/** What AWS JSON's services take: POSTs to `/` whose operation is in a header. */
export async function jsonShapes(
  o: Omit<ShapeOptions, 'form'> & { target: string; json: string },
): Promise<readonly Shape[]> {
  const post = (more: readonly HeaderLine[]): WireRequest => ({
    method: 'POST',
    path: '/',
    query: '',
    headers: [
      ['host', o.host],
      ['content-type', 'application/x-amz-json-1.1'],
      ['x-amz-target', o.target],
      ['content-length', String(Buffer.byteLength(o.json))],
      ...more,
    ],
    body: o.json,
  })
  return await Promise.all([
    sign('JSON POST', post([]), o.user, o),
    sign('JSON POST of an SDK', post(AS_SDK), o.user, o),
    sign('JSON POST with blanks in headers', post([['my-header', 'two  blanks and   three']]), o.user, o),
  ])
}

async function sign(name: string, wire: WireRequest, signer: Signer, scope: SigningScope): Promise<Shape> {
  return { name, signer, wire: await signWire(wire, signer, scope) }
}

async function presign(
  name: string,
  wire: WireRequest,
  signer: Signer,
  o: SigningScope & { readonly expiresIn: number },
): Promise<Shape> {
  return { name, signer, wire: await presignWire(wire, signer, o) }
}
