/** Of ImageNet's pictures, red, green and blue from 0 to 1, as `keras/src/applications/imagenet_utils.py` states them. */
export const IMAGENET_MEAN = [0.485, 0.456, 0.406] as const;
export const IMAGENET_DEVIATION = [0.229, 0.224, 0.225] as const;
