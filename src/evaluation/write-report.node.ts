import type { ImageSource } from '../images/image-source.ts';
import { loadSharp } from '../images/decode.node.ts';
import { loadPixels } from '../images/load-image.ts';
import type { WriteFileOptions } from '../output/write-file.node.ts';
import { writeFileWhole } from '../output/write-file.node.ts';
import type { EvaluationReport } from './evaluate-model.ts';
import { reportPage } from './report-page.ts';

export interface WriteReportOptions extends WriteFileOptions {
  /** What the page says was measured. Default `the model`. */
  readonly model?: string;
  /** On what. Default `the pictures`. */
  readonly data?: string;
  /** Pictures by the names that the report has, where these are no paths. */
  readonly pictures?: ReadonlyMap<string, ImageSource>;
}

const THUMBNAIL = 200;

/**
 * Writes what `evaluateModel` found as one page: no scripts, nothing from elsewhere, small pictures inside. It is written
 * whole or not at all.
 *
 * @throws FileError `OUTPUT_*`
 */
export async function writeReport(
  report: EvaluationReport,
  file: string,
  options: WriteReportOptions = {},
): Promise<void> {
  const { model = 'the model', data = 'the pictures', pictures } = options;
  const { confidenceChart, reliabilityChart } = await import('./charts.ts');
  const thumbnails = await Promise.all(
    report.mostWrong.map(({ image }) => thumbnailOf(pictures?.get(image) ?? image)),
  );
  const charts = [
    {
      title: 'Reliability.',
      text: 'Below the dashed line the model is surer than it should be.',
      svg: reliabilityChart(report),
    },
    {
      title: 'Confidence.',
      text: 'Wrong answers should be far to the left.',
      svg: confidenceChart(report),
    },
  ];
  const page = new TextEncoder().encode(reportPage({ model, data, report, charts, thumbnails }));
  await writeFileWhole(file, (sink) => sink.write(page, 0), options);
}

/** A data URL; undefined for what cannot be read any more. */
async function thumbnailOf(image: ImageSource): Promise<string | undefined> {
  try {
    const { data, width, height } = await loadPixels(image, { size: [THUMBNAIL, THUMBNAIL], mode: 'cover' });
    const sharp = await loadSharp();
    const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 75 })
      .toBuffer();
    return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
  } catch {
    return undefined;
  }
}
