fn main() {
    let _ = bailee_vault::KeyMaterial::from_opened(&[0; 32]);
    let _ = bailee_vault::cipher::expand;
    let _ = bailee_vault::envelope::seal;
}
