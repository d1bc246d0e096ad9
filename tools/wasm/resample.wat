;; The two passes of a separable resampling of 8-bit samples with 22-bit coefficients, as src/images/resize.ts has them,
;; two taps at a time. A coefficient c is held as two 16-bit numbers, c = 2048 * high + low with 0 <= low < 2048, so that
;; products of 16 bits do: the sums are the same to the bit, as they are all modulo 2^32.
;;
;; A table has 8 bytes for each output position: which pixel or row is the first, and how many pairs of taps there are. Coefficients have 8 bytes for each pair of taps: high, high, low, low; `pairs` of them for each output position.
;; Up to 16 bytes behind the source and the result are touched.
(module
  (memory (export "memory") 1)

  ;; Rows of RGB pixels, each `rowBytes` long, to rows of `width` pixels.
  (func (export "rows")
    (param $source i32) (param $rowBytes i32) (param $count i32)
    (param $out i32) (param $width i32)
    (param $table i32) (param $coefficients i32) (param $pairs i32)
    (local $x i32) (local $entry i32) (local $from i32) (local $left i32) (local $c i32) (local $cRow i32)
    (local $high v128) (local $low v128) (local $pixels v128)
    (local.set $pairs (i32.shl (local.get $pairs) (i32.const 3)))
    (block $done
      (loop $nextRow
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $x (local.get $width))
        (local.set $entry (local.get $table))
        (local.set $cRow (local.get $coefficients))
        (loop $nextPixel
          (local.set $from (i32.add (local.get $source) (i32.mul (i32.load (local.get $entry)) (i32.const 3))))
          (local.set $left (i32.load offset=4 (local.get $entry)))
          (local.set $c (local.get $cRow))
          (local.set $high (v128.const i32x4 0 0 0 0))
          (local.set $low (v128.const i32x4 2097152 2097152 2097152 2097152))
          (loop $nextPair
            ;; red, red, green, green, blue, blue of two pixels, as 16 bits
            (local.set $pixels
              (i8x16.swizzle
                (v128.load64_zero (local.get $from))
                (v128.const i8x16 0 -1 3 -1 1 -1 4 -1 2 -1 5 -1 -1 -1 -1 -1)))
            (local.set $high
              (i32x4.add (local.get $high)
                (i32x4.dot_i16x8_s (local.get $pixels) (v128.load32_splat (local.get $c)))))
            (local.set $low
              (i32x4.add (local.get $low)
                (i32x4.dot_i16x8_s (local.get $pixels) (v128.load32_splat offset=4 (local.get $c)))))
            (local.set $from (i32.add (local.get $from) (i32.const 6)))
            (local.set $c (i32.add (local.get $c) (i32.const 8)))
            (br_if $nextPair (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
          (local.set $high
            (i32x4.shr_s
              (i32x4.add (i32x4.shl (local.get $high) (i32.const 11)) (local.get $low))
              (i32.const 22)))
          (local.set $high (i16x8.narrow_i32x4_s (local.get $high) (local.get $high)))
          ;; The fourth byte is the next pixel's, which comes after.
          (v128.store32_lane 0 (local.get $out) (i8x16.narrow_i16x8_u (local.get $high) (local.get $high)))
          (local.set $out (i32.add (local.get $out) (i32.const 3)))
          (local.set $entry (i32.add (local.get $entry) (i32.const 8)))
          (local.set $cRow (i32.add (local.get $cRow) (local.get $pairs)))
          (br_if $nextPixel (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))
        (local.set $source (i32.add (local.get $source) (local.get $rowBytes)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $nextRow))))

  ;; Rows of `rowBytes` samples to `height` rows as long.
  (func (export "columns")
    (param $source i32) (param $rowBytes i32)
    (param $out i32) (param $height i32)
    (param $table i32) (param $coefficients i32) (param $pairs i32)
    (local $x i32) (local $first i32) (local $from i32) (local $left i32) (local $c i32)
    (local $a v128) (local $b v128) (local $near v128) (local $far v128) (local $ch v128) (local $cl v128)
    (local $h0 v128) (local $h1 v128) (local $h2 v128) (local $h3 v128)
    (local $l0 v128) (local $l1 v128) (local $l2 v128) (local $l3 v128)
    (local.set $pairs (i32.shl (local.get $pairs) (i32.const 3)))
    (loop $nextRow
      (local.set $first (i32.add (local.get $source) (i32.mul (i32.load (local.get $table)) (local.get $rowBytes))))
      (local.set $x (i32.const 0))
      (loop $nextSamples
        (local.set $from (i32.add (local.get $first) (local.get $x)))
        (local.set $left (i32.load offset=4 (local.get $table)))
        (local.set $c (local.get $coefficients))
        (local.set $h0 (v128.const i32x4 0 0 0 0))
        (local.set $h1 (local.get $h0))
        (local.set $h2 (local.get $h0))
        (local.set $h3 (local.get $h0))
        (local.set $l0 (v128.const i32x4 2097152 2097152 2097152 2097152))
        (local.set $l1 (local.get $l0))
        (local.set $l2 (local.get $l0))
        (local.set $l3 (local.get $l0))
        (loop $nextPair
          (local.set $a (v128.load (local.get $from)))
          (local.set $b (v128.load (i32.add (local.get $from) (local.get $rowBytes))))
          (local.set $ch (v128.load32_splat (local.get $c)))
          (local.set $cl (v128.load32_splat offset=4 (local.get $c)))
          (local.set $near
            (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $a) (local.get $b)))
          (local.set $far
            (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $a) (local.get $b)))
          (local.set $a (i16x8.extend_low_i8x16_u (local.get $near)))
          (local.set $h0 (i32x4.add (local.get $h0) (i32x4.dot_i16x8_s (local.get $a) (local.get $ch))))
          (local.set $l0 (i32x4.add (local.get $l0) (i32x4.dot_i16x8_s (local.get $a) (local.get $cl))))
          (local.set $a (i16x8.extend_high_i8x16_u (local.get $near)))
          (local.set $h1 (i32x4.add (local.get $h1) (i32x4.dot_i16x8_s (local.get $a) (local.get $ch))))
          (local.set $l1 (i32x4.add (local.get $l1) (i32x4.dot_i16x8_s (local.get $a) (local.get $cl))))
          (local.set $a (i16x8.extend_low_i8x16_u (local.get $far)))
          (local.set $h2 (i32x4.add (local.get $h2) (i32x4.dot_i16x8_s (local.get $a) (local.get $ch))))
          (local.set $l2 (i32x4.add (local.get $l2) (i32x4.dot_i16x8_s (local.get $a) (local.get $cl))))
          (local.set $a (i16x8.extend_high_i8x16_u (local.get $far)))
          (local.set $h3 (i32x4.add (local.get $h3) (i32x4.dot_i16x8_s (local.get $a) (local.get $ch))))
          (local.set $l3 (i32x4.add (local.get $l3) (i32x4.dot_i16x8_s (local.get $a) (local.get $cl))))
          (local.set $from (i32.add (local.get $from) (i32.shl (local.get $rowBytes) (i32.const 1))))
          (local.set $c (i32.add (local.get $c) (i32.const 8)))
          (br_if $nextPair (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        (v128.store
          (i32.add (local.get $out) (local.get $x))
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s
                (i32x4.add (i32x4.shl (local.get $h0) (i32.const 11)) (local.get $l0)) (i32.const 22))
              (i32x4.shr_s
                (i32x4.add (i32x4.shl (local.get $h1) (i32.const 11)) (local.get $l1)) (i32.const 22)))
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s
                (i32x4.add (i32x4.shl (local.get $h2) (i32.const 11)) (local.get $l2)) (i32.const 22))
              (i32x4.shr_s
                (i32x4.add (i32x4.shl (local.get $h3) (i32.const 11)) (local.get $l3)) (i32.const 22)))))
        (br_if $nextSamples
          (i32.lt_u
            (local.tee $x (i32.add (local.get $x) (i32.const 16)))
            (local.get $rowBytes))))
      (local.set $out (i32.add (local.get $out) (local.get $rowBytes)))
      (local.set $table (i32.add (local.get $table) (i32.const 8)))
      (local.set $coefficients (i32.add (local.get $coefficients) (local.get $pairs)))
      (br_if $nextRow (local.tee $height (i32.sub (local.get $height) (i32.const 1)))))))
