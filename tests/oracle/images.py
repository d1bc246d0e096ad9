"""Makes the goldens of tests/images: small pictures of every kind, and what Pillow and Keras make of them.

Needs: Pillow 13.0.0 (with WebP, AVIF, littlecms), numpy 2.0.2, keras 3.15.1, tf_keras 2.18.0, tensorflow 2.18.0.
Run:   python tests/oracle/images.py            (writes tests/images/goldens/; needs ../shared for the photos)

Where the project's rule differs from Pillow's `convert('RGB')`, the rule is computed here and said so:
alpha is laid on white (Pillow drops it), 16-bit grey keeps its high byte (Pillow clips).
"""

import base64
import hashlib
import io
import json
import os
import struct
import zlib
from pathlib import Path

os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'

import numpy as np
import PIL
from PIL import Image, ImageCms, ImageOps

OUT = Path(__file__).resolve().parent.parent / 'images' / 'goldens'
FILTERS = {
    'nearest': Image.Resampling.NEAREST,
    'bilinear': Image.Resampling.BILINEAR,
    'bicubic': Image.Resampling.BICUBIC,
    'lanczos3': Image.Resampling.LANCZOS,
}


def scene(width, height, seed=7):
    """Gradients, an edge, a disc and some noise: what separates filters and orientations."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    r = 255 * x / (width - 1)
    g = 255 * y / (height - 1)
    b = 255 * ((x // 3 + y // 3) % 2)
    disc = (x - width * 0.3) ** 2 + (y - height * 0.4) ** 2 < (height * 0.25) ** 2
    rgb = np.stack([r, g, b], -1)
    rgb[disc] = (250, 20, 30)
    rgb += np.random.default_rng(seed).normal(0, 12, rgb.shape)
    return Image.fromarray(np.clip(np.round(rgb), 0, 255).astype(np.uint8), 'RGB')


def packed(array):
    return base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode()


def on_white(rgb, alpha):
    """Rounded to the nearest level."""
    rgb, alpha = np.asarray(rgb).astype(np.int64), np.asarray(alpha).astype(np.int64)[..., None]
    return ((rgb * alpha + 255 * (255 - alpha)) * 2 + 255) // 510


def png(width, height, bits, colour_type, raw_rows):
    """A PNG as Pillow cannot write it."""
    def chunk(kind, body):
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
    header = struct.pack('>IIBBBBB', width, height, bits, colour_type, 0, 0, 0)
    body = b''.join(b'\0' + row for row in raw_rows)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(body, 9)) + chunk(b'IEND', b'')


def bmp(width, height, bits, compression, extra, rows):
    """A bitmap as Pillow cannot write it; a negative height is top-down."""
    at = 14 + 40 + len(extra)
    body = b''.join(row + b'\0' * (-len(row) % 4) for row in rows)
    info = struct.pack('<IiiHHIIiiII', 40, width, height, 1, bits, compression, len(body), 2835, 2835, 0, 0)
    return b'BM' + struct.pack('<IHHI', at + len(body), 0, 0, at) + info + extra + body


def swapped_profile():
    """sRGB with the primaries of red and green exchanged: whoever heeds it sees other colours."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes())
    profile[24:36] = struct.pack('>6H', 2020, 1, 1, 0, 0, 0)
    profile[84:100] = bytes(16)
    tags = {}
    for i in range(struct.unpack('>I', profile[128:132])[0]):
        name, offset, size = struct.unpack('>4sII', profile[132 + 12 * i:144 + 12 * i])
        tags[name] = (offset, size)
    (r, n), (g, _) = tags[b'rXYZ'], tags[b'gXYZ']
    profile[r:r + n], profile[g:g + n] = profile[g:g + n], profile[r:r + n]
    return bytes(profile)


class Goldens:
    def __init__(self):
        self.cases = []

    def add(self, file, image, expected=None, rule='Pillow', tolerance=0, **save):
        """Writes the picture; what Pillow reads back is expected, unless a rule of ours says otherwise."""
        data = image if isinstance(image, bytes) else None
        if data is None:
            buffer = io.BytesIO()
            image.save(buffer, **save)
            data = buffer.getvalue()
        (OUT / file).write_bytes(data)
        if expected is None:
            expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert('RGB'))
        expected = np.asarray(expected, np.uint8)
        self.cases.append({
            'file': file, 'rule': rule, 'tolerance': tolerance,
            'height': expected.shape[0], 'width': expected.shape[1], 'rgb': packed(expected),
        })


def decoding():
    goldens = Goldens()
    image = scene(24, 18)
    pixels = np.asarray(image)
    ramp = np.tile(np.linspace(0, 255, 24).round().astype(np.uint8), (18, 1))

    goldens.add('rgb.png', image, format='PNG')
    goldens.add('rgb-420.jpg', image, format='JPEG', quality=85)
    goldens.add('rgb-444.jpg', image, format='JPEG', quality=92, subsampling=0)
    goldens.add('rgb-progressive.jpg', image, format='JPEG', quality=85, progressive=True)
    goldens.add('rgb-profile.jpg', image, format='JPEG', quality=92, icc_profile=swapped_profile())
    goldens.add('rgb-profile.png', image, format='PNG', icc_profile=swapped_profile())
    goldens.add('rgb.webp', image, format='WEBP', quality=80)
    goldens.add('rgb-lossless.webp', image, format='WEBP', lossless=True)
    goldens.add('rgb.gif', image.quantize(64), format='GIF')
    goldens.add('rgb-lzw.tif', image, format='TIFF', compression='tiff_lzw')
    # AVIF decoders differ in how they enlarge colour; the two at hand by up to 9 levels on this kind of picture.
    goldens.add('rgb.avif', image, format='AVIF', quality=95, subsampling='4:4:4', tolerance=10)

    grey = image.convert('L')
    goldens.add('grey.png', grey, format='PNG')
    goldens.add('grey.jpg', grey, format='JPEG', quality=90)
    goldens.add('bilevel.png', image.convert('1'), format='PNG')
    deep = (np.asarray(grey).astype(np.uint32) * 256 + np.arange(24) * 11).astype(np.uint16)
    goldens.add('grey-16.png', Image.fromarray(deep), np.repeat((deep >> 8)[..., None], 3, -1),
                rule='16 bits: the high byte', format='PNG')
    goldens.add('rgb-16.png', png(24, 18, 16, 2, [
        (row.astype(np.uint16) * 256 + 77).astype('>u2').tobytes() for row in pixels]))

    alpha = image.copy()
    alpha.putalpha(Image.fromarray(ramp))
    white = 'alpha on white'
    goldens.add('alpha.png', alpha, on_white(pixels, ramp), rule=white, format='PNG')
    goldens.add('alpha.webp', alpha, on_white(pixels, ramp), rule=white, format='WEBP', lossless=True, exact=True)
    grey_alpha = Image.merge('LA', [grey, Image.fromarray(ramp)])
    grey_rgb = np.repeat(np.asarray(grey)[..., None], 3, -1)
    goldens.add('grey-alpha.png', grey_alpha, on_white(grey_rgb, ramp), rule=white, format='PNG')
    deep_alpha = np.concatenate([pixels.astype(np.uint16) * 257, ramp.astype(np.uint16)[..., None] * 257], -1)
    goldens.add('alpha-16.png', png(24, 18, 16, 6, [row.astype('>u2').tobytes() for row in deep_alpha]),
                on_white(pixels, ramp), rule=white)
    palette = image.quantize(16)
    indices = np.asarray(palette)
    see_through = on_white(np.asarray(palette.convert('RGB')), np.where(indices == 3, 0, 255))
    goldens.add('palette.png', palette, format='PNG')
    goldens.add('palette-transparent.png', palette, see_through, rule=white, format='PNG', transparency=3)
    goldens.add('palette-transparent.gif', palette, see_through, rule=white, format='GIF', transparency=3)

    # Pillow writes Adobe's inverted inks, as Photoshop does.
    goldens.add('cmyk-adobe.jpg', image.convert('CMYK'), format='JPEG', quality=92)
    goldens.add('cmyk.tif', image.convert('CMYK'), format='TIFF')

    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        goldens.add(f'exif-{orientation}.jpg', image, format='JPEG', quality=92, exif=exif)
    exif = Image.Exif()
    exif[0x0112] = 6
    goldens.add('exif-6.webp', image, format='WEBP', lossless=True, exif=exif)
    goldens.add('exif-6.png', image, format='PNG', exif=exif)

    others = [ImageOps.invert(image), image.rotate(180)]
    first = image.quantize(64)
    goldens.add('animated.gif', first, np.asarray(first.convert('RGB')), rule='first frame', format='GIF',
                save_all=True, append_images=[i.quantize(64) for i in others], duration=50)
    goldens.add('animated.webp', image, pixels, rule='first frame', format='WEBP', save_all=True,
                append_images=others, lossless=True, duration=50)
    goldens.add('pages.tif', image, pixels, rule='first page', format='TIFF', save_all=True, append_images=others)

    # Refused: no range says what is white.
    image.convert('L').convert('F').save(OUT / 'grey-float.tif', format='TIFF')
    image.convert('L').convert('I').save(OUT / 'grey-int32.tif', format='TIFF')

    goldens.add('rgb-24.bmp', image, format='BMP')
    goldens.add('palette-8.bmp', palette, format='BMP')
    goldens.add('bilevel-1.bmp', image.convert('1'), format='BMP')
    four = np.asarray(image.quantize(16))
    table = np.asarray(image.quantize(16).getpalette()[:48], np.uint8).reshape(-1, 3)
    table = np.concatenate([table, np.zeros((16 - len(table), 3), np.uint8)])
    colours = b''.join(bytes([b, g, r, 0]) for r, g, b in table)
    goldens.add('palette-4.bmp', bmp(24, 18, 4, 0, colours, [
        bytes((row[0::2] << 4) | row[1::2]) for row in four[::-1]]), table[four], rule='palette')
    bgrx = np.concatenate([pixels[..., ::-1], np.zeros((18, 24, 1), np.uint8)], -1)
    goldens.add('rgbx-32-top-down.bmp', bmp(24, -18, 32, 0, b'', [row.tobytes() for row in bgrx]))
    red, green, blue = (pixels[..., c].astype(np.uint16) for c in range(3))
    five_six_five = ((red >> 3) << 11) | ((green >> 2) << 5) | (blue >> 3)
    expanded = np.stack([
        np.floor((five_six_five >> 11) * 255 / 31 + 0.5),
        np.floor(((five_six_five >> 5) & 63) * 255 / 63 + 0.5),
        np.floor((five_six_five & 31) * 255 / 31 + 0.5),
    ], -1)
    goldens.add('rgb-565.bmp', bmp(24, 18, 16, 3, struct.pack('<III', 0xf800, 0x07e0, 0x001f), [
        row.astype('<u2').tobytes() for row in five_six_five[::-1]]), expanded, rule='full range')
    return goldens.cases


def cover(image, width, height, fraction, filter):
    """torchvision's Resize(shorter side) and CenterCrop, for targets of any aspect ratio."""
    cover_width, cover_height = int(width / fraction), int(height / fraction)
    if cover_width * image.height >= cover_height * image.width:
        size = (cover_width, max(int(cover_width * image.height / image.width), cover_height))
    else:
        size = (max(int(cover_height * image.width / image.height), cover_width), cover_height)
    left, top = round((size[0] - width) / 2.0), round((size[1] - height) / 2.0)
    return image.resize(size, filter).crop((left, top, left + width, top + height))


def resizing():
    sources = {'landscape': scene(40, 30, 3), 'portrait': scene(23, 37, 4), 'tall': scene(5, 61, 5)}
    cases = []

    def add(source, options, image):
        cases.append({'source': source, 'options': options, 'rgb': packed(np.asarray(image))})

    for name, image in sources.items():
        for label, filter in FILTERS.items():
            for width, height in [(17, 23), (9, 9), (45, 34), (image.width, 11), (13, image.height), (1, 1)]:
                add(name, {'width': width, 'height': height, 'filter': label}, image.resize((width, height), filter))
            for width, height, fraction in [(9, 9, 1), (14, 14, 0.875), (20, 8, 0.9), (25, 24, 0.5)]:
                options = {'width': width, 'height': height, 'filter': label, 'mode': 'cover', 'cropFraction': fraction}
                add(name, options, cover(image, width, height, fraction, filter))
            for width, height in [(11, 11), (30, 8), (21, 30)]:
                options = {'width': width, 'height': height, 'filter': label, 'mode': 'contain', 'background': [9, 99, 199]}
                add(name, options, ImageOps.pad(image, (width, height), method=filter, color=(9, 99, 199)))
    rgb = {k: {'width': v.width, 'height': v.height, 'rgb': packed(np.asarray(v))} for k, v in sources.items()}
    return {'sources': rgb, 'cases': cases}


def preprocessing():
    import keras
    import tensorflow as tf
    import tf_keras
    levels = np.arange(256, dtype=np.uint8)
    image = np.stack([levels, np.roll(levels, 85), levels[::-1]], -1).reshape(16, 16, 3)
    modes, spread = {}, {}
    for mode in ['caffe', 'tf', 'torch']:
        results = {
            'tf_keras numpy': tf_keras.applications.imagenet_utils.preprocess_input(image.astype('float32'), mode=mode),
            'keras numpy': keras.applications.imagenet_utils.preprocess_input(image.astype('float32'), mode=mode),
            'tf_keras tensor': np.asarray(
                tf_keras.applications.imagenet_utils.preprocess_input(tf.constant(image, tf.float32)[None], mode=mode))[0],
            'keras tensor': np.asarray(
                keras.applications.imagenet_utils.preprocess_input(tf.constant(image, tf.float32)[None], mode=mode))[0],
        }
        expected = results['tf_keras numpy'].astype(np.float32)
        modes[mode] = packed(expected)
        spread[mode] = {k: float(np.abs(v.astype(np.float64) - expected).max()) for k, v in results.items()}
    print('spread', json.dumps(spread, indent=1))
    return {'width': 16, 'height': 16, 'rgb': packed(image), 'modes': modes, 'spread': spread}


def photos():
    """Hashes of what Pillow makes of real photos; the photos themselves stay in ../shared."""
    shared = Path(__file__).resolve().parents[3] / 'shared'
    paths = [shared / 'images/tabby_cat.jpeg', *sorted(shared.glob('datasets/hymenoptera_data/val/*/*.jpg'))[::12]]
    digest = lambda image: hashlib.sha256(image.tobytes()).hexdigest()
    results = []
    for path in paths:
        image = ImageOps.exif_transpose(Image.open(path)).convert('RGB')
        results.append({
            'file': path.relative_to(shared).as_posix(),
            'decoded': digest(image),
            'fill': digest(image.resize((227, 227), FILTERS['bilinear'])),
            'cover': digest(cover(image, 224, 224, 0.875, FILTERS['bicubic'])),
            'enlarged': digest(image.resize((700, 600), FILTERS['lanczos3'])),
        })
    return results


if __name__ == '__main__':
    OUT.mkdir(parents=True, exist_ok=True)
    print('Pillow', PIL.__version__)
    for file, content in [('decoding.json', decoding()), ('resizing.json', resizing()), ('preprocessing.json', preprocessing()), ('photos.json', photos())]:
        (OUT / file).write_text(json.dumps(content, indent=1) + '\n')
    print(sum(f.stat().st_size for f in OUT.iterdir()), 'bytes in', OUT.name)
