/** In pixels. */
export interface ImageSize { width: number, height: number }

/** @param size OpenAI's `1536x1024` @returns null when it is none */
export function parseSize (size: string): ImageSize | null {
  const [, width = 0, height = 0] = (/^(\d{1,5})x(\d{1,5})$/.exec(size) ?? []).map(Number)
  return width === 0 || height === 0 ? null : { width, height }
}

/** Nova Canvas draws every size within these limits. @returns null for others */
export function toNovaSize (size: ImageSize): ImageSize | null {
  const { width, height } = size
  const fits = (edge: number): boolean => edge >= 320 && edge <= 4096 && edge % 16 === 0
  const ratio = width / height
  return fits(width) && fits(height) && ratio >= 1 / 4 && ratio <= 4 && width * height <= 4_194_304 ? size : null
}

/** All that Titan Image Generator draws. */
const titanSizes: readonly ImageSize[] = [
  '1024x1024', '768x768', '512x512', '768x1152', '384x576', '1152x768', '576x384', '768x1280', '384x640', '1280x768', '640x384', '896x1152', '448x576',
  '1152x896', '576x448', '768x1408', '384x704', '1408x768', '704x384', '640x1408', '320x704', '1408x640', '704x320', '1152x640', '1173x640'
].flatMap((text) => parseSize(text) ?? [])

const stabilityRatios = ['1:1', '16:9', '21:9', '2:3', '3:2', '4:5', '5:4', '9:16', '9:21']

/** How far from the shape that was asked for another one may be: 4:3 is drawn as 5:4 rather than as a square. */
const ratioTolerance = 0.1

/** @returns the size itself, or the nearest of about the same shape; null when there is none */
export function toTitanSize (size: ImageSize): ImageSize | null {
  return nearest(size, titanSizes, (one) => one)
}

/** @returns null when there is none of about the same shape */
export function toStabilityRatio (size: ImageSize): string | null {
  return nearest(size, stabilityRatios, (ratio) => {
    const [width, height] = ratio.split(':').map(Number) as [number, number]
    return { width, height }
  })
}

/** By shape first, then by area. */
function nearest<Shape> (wanted: ImageSize, shapes: readonly Shape[], sizeOf: (shape: Shape) => ImageSize): Shape | null {
  const [best] = shapes.map((shape) => {
    const { width, height } = sizeOf(shape)
    return { shape, ratioError: Math.abs(width / height / (wanted.width / wanted.height) - 1), areaError: Math.abs(width * height - wanted.width * wanted.height) }
  }).sort((one, other) => one.ratioError - other.ratioError || one.areaError - other.areaError)
  return best === undefined || best.ratioError > ratioTolerance ? null : best.shape
}
