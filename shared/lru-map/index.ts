export { createLruMap, type LruMap } from './lru-map.ts'
