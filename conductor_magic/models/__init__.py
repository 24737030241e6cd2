"""The model seam (`base`), the providers behind it (`anthropic`), and a scripted stand-in for tests (`scripted`)."""
