// Import this before hyper-express: loading the native library already runs it.
import { verifyUwsBinary } from './uws-binary.ts'

verifyUwsBinary()
