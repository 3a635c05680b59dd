export { type ChangeNotices, openChangeNotices } from './change-notices.ts'
